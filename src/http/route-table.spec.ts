import { describe, expect, it } from '@jest/globals';
import { RouteTable } from './route-table.js';

describe('the methods of a path', () => {
  const table = new RouteTable();
  table.add(['GET'], '/v1/things');
  table.add(['HEAD'], '/v1/things');
  table.add(['POST'], '/v1/things/:id/report');
  table.add(['DELETE'], '/v1/things/special/report');
  table.add(['GET'], '/docs/*');

  it.each([
    ['/v1/things', ['GET', 'HEAD', 'OPTIONS']],
    ['/v1/things/x/report', ['OPTIONS', 'POST']],
    ['/v1/things/special/report', ['DELETE', 'OPTIONS', 'POST']],
    ['/docs/a/b.css', ['GET', 'OPTIONS']],
    ['/docs/', ['GET', 'OPTIONS']],
    ['/docs', []],
    ['/v1/things/', []],
    ['/v1/things//report', []],
    ['/V1/things', []],
    ['/v1', []],
    ['/', []],
    ['', []],
  ])('%s → %j', (path, methods) => {
    expect(table.methodsFor(path)).toEqual(methods);
  });
});
