import { SetMetadata } from '@nestjs/common';

const PUBLIC = 'access:public';

/** A route that asks for no key, on purpose. Every other route has a guard, or the start fails. */
export function Public(): MethodDecorator & ClassDecorator {
  return SetMetadata(PUBLIC, true);
}

export function isPublic(handler: object, controller: object): boolean {
  return Reflect.hasMetadata(PUBLIC, handler) || Reflect.hasMetadata(PUBLIC, controller);
}
