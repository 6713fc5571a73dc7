/**
 * Which methods each path knows, collected while routes are registered. Read only for requests that no
 * route took, to tell "no such path" (404) from "not with this method" (405 with `Allow`), and for OPTIONS.
 */
export class RouteTable {
  private readonly routes: { readonly segments: readonly string[]; readonly methods: string[] }[] =
    [];

  /** `path` in the router's syntax: `/v1/accounts/:app_id`, `/docs/*`. */
  add(methods: readonly string[], path: string): void {
    this.routes.push({ segments: path.split('/'), methods: [...methods] });
  }

  /** The methods for a request's path, sorted; empty when no route has such a path. */
  methodsFor(path: string): string[] {
    const segments = path.split('/');
    const found = new Set<string>();
    for (const route of this.routes) {
      if (matches(route.segments, segments)) {
        route.methods.forEach((method) => found.add(method));
      }
    }
    if (found.size > 0) {
      found.add('OPTIONS');
    }
    return [...found].sort();
  }
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  if (pattern.at(-1) === '*') {
    const fixed = pattern.slice(0, -1);
    return path.length >= pattern.length && matches(fixed, path.slice(0, fixed.length));
  }
  return (
    pattern.length === path.length &&
    pattern.every((segment, index) => matchesSegment(segment, path[index] ?? ''))
  );
}

function matchesSegment(pattern: string, segment: string): boolean {
  return pattern.startsWith(':') ? segment !== '' : pattern === segment;
}
