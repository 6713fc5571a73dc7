import { Body, Param, Query, StandardSchemaValidationPipe } from '@nestjs/common';
import type { ZodType } from 'zod';
import { validationFailed } from './validation.errors.js';

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

function pipeFor(place: string): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({
    exceptionFactory: (issues) => validationFailed(place, issues),
  });
}
