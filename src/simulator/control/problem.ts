import { BadRequestException } from '@nestjs/common';

export interface FieldProblem {
  /** Dotted path of the field; empty for the whole. */
  path: string;
  message: string;
}

export interface Problem {
  status: number;
  detail: string;
  errors?: FieldProblem[];
}

/** The part of a Standard Schema issue that tells where and what. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export function fieldProblems(issues: readonly SchemaIssue[]): FieldProblem[] {
  return issues.map((issue) => ({
    path: (issue.path ?? [])
      .map((segment) => String(typeof segment === 'object' ? segment.key : segment))
      .join('.'),
    // Those messages of zod's that do not tell what to do.
    message: issue.message
      .replace(/^Invalid input: expected (.+), received undefined$/, 'is missing; it wants a $1')
      .replace(/^Invalid input: expected int, received .+$/, 'must be a whole number')
      .replace(/^Invalid input: expected (.+), received .+$/, 'must be of type $1'),
  }));
}

export function badRequest(issues: readonly SchemaIssue[]): BadRequestException {
  const errors = fieldProblems(issues);
  const sentences = errors.map(({ path, message }) =>
    path === '' ? message : `${path}: ${message}`,
  );
  return new BadRequestException({ detail: sentences.join('; '), errors });
}
