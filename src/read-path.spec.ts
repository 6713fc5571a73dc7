import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { requiredScope } from './access/require-scope.decorator.js';
import { READ_ROUTE } from './read-path.js';
import { AccessTokenController } from './wechat/access-token/access-token.controller.js';

describe('the route that is served past the router of Nest', () => {
  it('is the one that the controller declares', () => {
    const prototype = Object.getOwnPropertyDescriptors(AccessTokenController.prototype);
    const path: unknown = Reflect.getMetadata(PATH_METADATA, AccessTokenController);

    expect(`/${String(path)}`).toBe(READ_ROUTE.path);
    expect(requiredScope(prototype.read.value as object)).toBe(READ_ROUTE.scope);
  });
});
