import { Injectable, RequestMethod, type OnApplicationBootstrap } from '@nestjs/common';
import { GUARDS_METADATA, METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { AdminGuard } from '../access/admin.guard.js';
import { ClientGuard } from '../access/client.guard.js';
import { dropInScope } from '../access/drop-in-access.decorator.js';
import { isPublic } from '../access/public.decorator.js';
import { requiredScope } from '../access/require-scope.decorator.js';
import { auditedAction } from '../audit/audited-action.js';

const ADMIN_PATH = /^v1\/admin(?:\/|$)/;
/** WeChat's own paths, and all that are nobody's. */
const DROP_IN_PATH = /^(?:(?:cgi-bin|sns)(?:\/|$)|\*)/;

interface Route {
  /** `TokenController.read` */
  readonly name: string;
  /** Without a leading slash. */
  readonly path: string;
  readonly handler: object;
  readonly controller: object;
}

/**
 * Refuses the start while any route leaves open who may call it. Every route has exactly one of
 * ClientGuard (with a scope), AdminGuard (under /v1/admin, and only there), @DropInAccess(…) (on WeChat's own
 * paths, and only there) and @Public(). Whatever an admin may change leaves a
 * row of the audit.
 */
@Injectable()
export class AccessPolicy implements OnApplicationBootstrap {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** @throws Error that names each such route and what it lacks */
  onApplicationBootstrap(): void {
    const problems = this.routes().flatMap((route) => {
      const problem = problemOf(route);
      return problem === undefined ? [] : [`${route.name}: ${problem}`];
    });
    if (problems.length > 0) {
      throw new Error(`Routes without a clear rule of access:\n  ${problems.join('\n  ')}`);
    }
  }

  private routes(): Route[] {
    return this.discovery.getControllers().flatMap(({ metatype }) => {
      if (typeof metatype !== 'function') {
        return [];
      }
      const prototype = metatype.prototype as Record<string, object>;
      return this.scanner.getAllMethodNames(prototype).flatMap((method) => {
        const handler = prototype[method];
        if (handler === undefined || !Reflect.hasMetadata(METHOD_METADATA, handler)) {
          return [];
        }
        const name = `${metatype.name}.${method}`;
        return pathsOf(metatype, handler).map((path) => ({
          name,
          path,
          handler,
          controller: metatype,
        }));
      });
    });
  }
}

function problemOf({ path, handler, controller }: Route): string | undefined {
  const guards = [...guardsOf(handler), ...guardsOf(controller)];
  const isClients = guards.includes(ClientGuard);
  const isAdmins = guards.includes(AdminGuard);
  const isDropIns = dropInScope(handler) !== undefined;
  const rules = [isClients, isAdmins, isDropIns, isPublic(handler, controller)].filter(Boolean);
  if (rules.length !== 1) {
    return 'wants exactly one of @UseGuards(ClientGuard), @UseGuards(AdminGuard), @DropInAccess(…) and @Public()';
  }
  if (isDropIns !== DROP_IN_PATH.test(path)) {
    return `/${path}: @DropInAccess(…) belongs on WeChat's own paths, and nothing else does`;
  }
  if (isAdmins !== ADMIN_PATH.test(path)) {
    return `/${path}: AdminGuard belongs under /v1/admin, and nothing else does`;
  }
  const hasScope = requiredScope(handler) !== undefined;
  if (isClients !== hasScope) {
    return isClients
      ? 'wants a @RequireScope(…) beside its ClientGuard'
      : 'has a @RequireScope(…), which only ClientGuard looks at';
  }
  const changes = Reflect.getMetadata(METHOD_METADATA, handler) !== RequestMethod.GET;
  const isAudited = auditedAction(handler) !== undefined;
  if ((isAdmins && changes) !== isAudited) {
    return isAudited
      ? 'has an @Audited(…), which is for what an admin changes'
      : 'wants an @Audited(…), since it is an admin route that is no GET';
  }
  return undefined;
}

function guardsOf(target: object): unknown[] {
  return (Reflect.getMetadata(GUARDS_METADATA, target) as unknown[] | undefined) ?? [];
}

function pathsOf(controller: object, handler: object): string[] {
  const prefixes = listOf(Reflect.getMetadata(PATH_METADATA, controller));
  const paths = listOf(Reflect.getMetadata(PATH_METADATA, handler));
  return prefixes.flatMap((prefix) =>
    paths.map((path) => `${prefix}/${path}`.split('/').filter(Boolean).join('/')),
  );
}

function listOf(path: unknown): string[] {
  return (Array.isArray(path) ? path : [path]).map(String);
}
