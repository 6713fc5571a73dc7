import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { isLogField } from './log-fields.js';

const LEVELS = new Set(['verbose', 'debug', 'log', 'warn', 'error', 'fatal']);
const OTHER_PROGRAMS = /^src\/(simulator|demo|cli)\//;

const sources = readdirSync('src', { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile() && /(?<!\.spec)\.ts$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name))
  .filter((path) => !OTHER_PROGRAMS.test(path));

/** The names of all fields that a file hands to a logger, as object literals or constants that hold one. */
function loggedFields(path: string): string[] {
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const fields: string[] = [];
  const constants = new Map<string, ts.Expression[]>();
  const collect = (node: ts.Node): void => {
    if (ts.isObjectLiteralExpression(node)) {
      for (const property of node.properties) {
        if (ts.isSpreadAssignment(property)) {
          collect(property.expression);
        } else {
          fields.push(property.name.getText().replace(/^'|'$/g, ''));
        }
      }
    } else if (ts.isIdentifier(node)) {
      const values = constants.get(node.text) ?? [];
      constants.delete(node.text);
      values.forEach(collect);
    } else if (!ts.isCallExpression(node)) {
      ts.forEachChild(node, collect);
    }
  };
  const findConstants = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.initializer !== undefined) {
      const name = node.name.getText();
      constants.set(name, [...(constants.get(name) ?? []), node.initializer]);
    }
    ts.forEachChild(node, findConstants);
  };
  const findCalls = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name, expression } = node.expression;
      if (LEVELS.has(name.text) && /(^|\.)logger$/.test(expression.getText())) {
        node.arguments.forEach(collect);
      }
    }
    ts.forEachChild(node, findCalls);
  };
  findConstants(file);
  findCalls(file);
  return fields;
}

describe('the list of fields that a log line may have', () => {
  it('has every field that the service logs', () => {
    const missing = sources.flatMap((path) =>
      loggedFields(path)
        .filter((name) => !isLogField(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('is held against what is found: of one line, every field', () => {
    const fields = loggedFields('src/wechat/credentials/refresh-attempt.service.ts');
    const expected = ['event', 'request_id', 'app_id', 'cause', 'outcome', 'errcode', 'advice'];
    expect(fields).toEqual(expect.arrayContaining(expected));
  });
});
