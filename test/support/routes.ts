import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** The routes as Fastify prints them, a tree: `GET /path/{parameter}`; HEAD and OPTIONS come automatically. */
export function routesOf(app: NestFastifyApplication): string[] {
  const above: string[] = [];
  return app
    .getHttpAdapter()
    .getInstance()
    .printRoutes()
    .split('\n')
    .flatMap((line) => {
      const match = /^((?:│ {3}| {4})*)[├└]── (\S+)(?: \((.+)\))?$/.exec(line);
      if (match === null) {
        return [];
      }
      const [, indent = '', part = '', methods = ''] = match;
      const depth = indent.length / 4;
      const path = `${depth === 0 ? '' : (above[depth - 1] ?? '')}${part}`;
      above[depth] = path;
      return methods
        .split(', ')
        .filter((method) => !['', 'HEAD', 'OPTIONS'].includes(method))
        .map((method) => `${method} ${path.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}')}`);
    });
}
