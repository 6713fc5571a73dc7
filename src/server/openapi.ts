import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  DocumentBuilder,
  SwaggerModule,
  type OpenAPIObject,
  type SchemaObject,
} from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { PROBLEM_CONTENT } from '../http/api-problems.decorator.js';
import { ERROR_STATUS } from '../http/error-status.js';
import { Problem } from '../http/problem.dto.js';
import type { ProblemFilter } from '../http/problem.filter.js';
import { packageVersion } from '../observability/build-info.js';

/*
 * How a feature documents its answers:
 *
 * - Each body, query and answer is a zod schema in the feature's `*.dto.ts`; the types come from it by
 *   `z.infer`. Requests are `z.strictObject`, answers `z.object`.
 * - Requests: `@ValidBody(schema)`, `@ValidQuery(schema)`, `@ValidParam(name, schema)` check and document.
 * - Answers: `@ApiOkResponse({ standardSchema: schema })`; the handler builds them field by field.
 * - `.meta({ id: 'AccessToken' })` names a body or an answer: one entry under components. Schemas of
 *   queries get no id, since each of their fields is a parameter of its own.
 * - `.meta({ description, example })` on a field. Times are `z.iso.datetime()`, durations whole seconds.
 * - Fields are snake_case. Errors: `@ApiProblems('token_unavailable', …)`; keys: `@RequireScope(…)`.
 */

const swaggerUi = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

const ADMIN_PATH = '/v1/admin/';
const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;

/**
 * What the page may load: its own files. Plain http on a loopback address must go on working, hence no
 * upgrade to https.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

const PAGE_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY.join(';'),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
};

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>WeChat Token Center</title>
    <link rel="icon" href="docs/favicon-32x32.png">
    <link rel="stylesheet" href="docs/swagger-ui.css">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`;

const START = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#swagger-ui', validatorUrl: null });
`;

/** Of Swagger UI's files, those that the page loads. */
const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

/**
 * `/openapi.json` and the page `/docs`, which needs nothing from the internet (docs/adr/0017). In a scope of its
 * own, so that no other route pays for its headers.
 */
export async function serveOpenApi(
  app: NestFastifyApplication,
  problems: ProblemFilter,
): Promise<void> {
  let document: string | undefined;
  await app.register((scope: FastifyInstance, _options: object, done: () => void) => {
    scope.addHook('onRequest', (_request, reply, next) => {
      reply.headers(PAGE_HEADERS);
      next();
    });
    // Nest sets its own handler later, on the application around this scope.
    scope.setErrorHandler((error, request, reply) => {
      problems.answer(error, request, reply);
    });
    scope.get('/openapi.json', (_request, reply) =>
      reply.type('application/json').send((document ??= JSON.stringify(createDocument(app)))),
    );
    scope.get('/docs', (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE));
    scope.get('/docs/start.js', (_request, reply) =>
      reply.type('text/javascript; charset=utf-8').send(START),
    );
    for (const [name, type] of Object.entries(ASSETS)) {
      // One buffer for all who ask.
      let content: Buffer | undefined;
      scope.get(`/docs/${name}`, async (_request, reply) =>
        reply.type(type).send((content ??= await readFile(join(swaggerUi, name)))),
      );
    }
    done();
  });
}

function createDocument(app: NestFastifyApplication): OpenAPIObject {
  const head = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('WeChat Token Center')
    .setVersion(packageVersion())
    .setDescription(DESCRIPTION)
    .addServer('/')
    .addSecurity('bearer', { type: 'http', scheme: 'bearer' })
    .addSecurity('wechat_secret', {
      type: 'apiKey',
      in: 'query',
      name: 'secret',
      description: 'A client key where WeChat has the AppSecret; in the JSON body of a POST',
    })
    .addSecurity('wechat_access_token', { type: 'apiKey', in: 'query', name: 'access_token' })
    .addSecurity('api_key', { type: 'apiKey', in: 'header', name: 'X-API-Key' })
    .build();
  const document = SwaggerModule.createDocument(app, head, {
    standardSchemaConverter: (schema, { schemaType }) =>
      schema instanceof z.ZodType ? convertZod(schema, schemaType) : undefined,
  });
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, ...convertZod(Problem, 'output').components },
  };
  addCommonAnswers(document);
  return document;
}

const DESCRIPTION = [
  'Holds the AppSecret of WeChat accounts, keeps their access tokens alive and hands them out.',
  '',
  'Send a key as `Authorization: Bearer <key>` or `X-API-Key: <key>`. Errors are `application/problem+json`:',
  '',
  '| code | status | means |',
  '| --- | --- | --- |',
  ...Object.entries(ERROR_STATUS).map(
    ([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`,
  ),
].join('\n');

interface Converted {
  schema: Record<string, unknown>;
  components: Record<string, SchemaObject>;
}

/** A schema with an id goes under components and is referred to; others stand where they are used. */
function convertZod(schema: z.ZodType, io: 'input' | 'output'): Converted {
  const { $defs, id, ...body } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  delete body.$schema;
  const components = { ...$defs } as Converted['components'];
  if (id === undefined) {
    return { schema: body, components };
  }
  return {
    schema: { $ref: `#/components/schemas/${id}` },
    components: { ...components, [id]: body as SchemaObject },
  };
}

/** Any route may fail; every admin route wants the admin key. */
function addCommonAnswers(document: OpenAPIObject): void {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const operation of METHODS.flatMap((method) => item[method] ?? [])) {
      const answers = operation.responses;
      answers.default ??= { description: 'An error', content: PROBLEM_CONTENT };
      if (path.startsWith(ADMIN_PATH)) {
        operation.security = [{ bearer: [] }, { api_key: [] }];
        answers['401'] ??= {
          description: '`unauthenticated`: No valid key was sent.',
          content: PROBLEM_CONTENT,
        };
        answers['403'] ??= {
          description: '`forbidden`: This wants the admin key.',
          content: PROBLEM_CONTENT,
        };
        answers['429'] ??= {
          description: '`rate_limited`: Too many requests.',
          content: PROBLEM_CONTENT,
        };
      }
    }
  }
}
