import { z } from 'zod';

/** An object that refuses fields it does not know, and says which ones it does. */
export function closedObject<Shape extends z.ZodRawShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `unknown field ${issue.keys.map(quoted).join(', ')}; known are ${known}`
        : undefined,
  });
}

/**
 * The body of a control call: JSON whatever its Content-Type says, so that `curl -d` works as it is.
 * No body at all is an empty object.
 */
export function jsonBody<Schema extends z.ZodType>(
  schema: Schema,
): z.ZodPipe<z.ZodTransform, Schema> {
  const parsed = z.transform((raw: unknown, context: z.core.$RefinementCtx): unknown => {
    if (typeof raw !== 'string' || raw.trim() === '') {
      return {};
    }
    try {
      return JSON.parse(raw);
    } catch {
      context.issues.push({ code: 'custom', message: 'the body is not JSON', input: undefined });
      return z.NEVER;
    }
  });
  return parsed.pipe(schema);
}

function quoted(name: string): string {
  return `"${name}"`;
}
