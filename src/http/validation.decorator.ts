import { Body, Param, Query, StandardSchemaValidationPipe } from '@nestjs/common';
import type { ZodType } from 'zod';
import { speakPlainly } from '../errors/plain-words.js';
import { validationFailed } from './validation.errors.js';

speakPlainly();

/**
 * Parameters that are checked against a zod schema, which also documents them in /openapi.json. Use a
 * `z.strictObject` so that unknown fields are refused:
 *
 *     report(@ValidBody(ReportBody) body: z.infer<typeof ReportBody>)
 *
 * A route without such a parameter runs no pipe at all; that is why none is installed globally (the
 * token read must stay lean).
 */
export function ValidBody(schema: ZodType): ParameterDecorator {
  return Body({ schema, pipes: [pipeFor('body')] });
}

export function ValidQuery(schema: ZodType): ParameterDecorator {
  return Query({ schema, pipes: [pipeFor('query')] });
}

/** One parameter of the path, by its name in the route. */
export function ValidParam(name: string, schema: ZodType): ParameterDecorator {
  return Param(name, { schema, pipes: [pipeFor(`params.${name}`)] });
}

/**
 * Nest takes fields named `constructor`, `prototype` and `__proto__` out before it validates. Here the schema
 * refuses them by name like every unknown field; nothing merges or looks up what a caller named.
 */
class StrictValidationPipe extends StandardSchemaValidationPipe {
  protected override stripProtoKeys(): void {
    // Left to the schema.
  }
}

function pipeFor(place: string): StandardSchemaValidationPipe {
  return new StrictValidationPipe({
    exceptionFactory: (issues) => validationFailed(place, issues),
  });
}
