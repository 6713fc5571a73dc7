import { Controller, HttpCode, Param, Post, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { ClientGuard } from '../../access/client.guard.js';
import { RequireScope } from '../../access/require-scope.decorator.js';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { ValidBody } from '../../http/validation.decorator.js';
import { SignatureAnswer, SignatureBody } from './jssdk.dto.js';
import { JssdkService } from './jssdk.service.js';

/** The signature that a page needs for `wx.config`. */
@ApiTags('tickets')
@ApiParam({ name: 'app_id', example: 'wx0123456789abcdef' })
@Controller('v1/accounts/:app_id/jssdk-signature')
@UseGuards(ClientGuard)
export class JssdkController {
  constructor(private readonly jssdk: JssdkService) {}

  @Post()
  @HttpCode(200)
  @RequireScope('jssdk:sign')
  @ApiOperation({ summary: 'Sign a page for the JS-SDK' })
  @ApiOkResponse({ standardSchema: SignatureAnswer })
  @ApiProblems('validation_failed', 'token_unavailable', 'database_unavailable')
  sign(
    @Param('app_id') appId: string,
    @ValidBody(SignatureBody) { url }: z.infer<typeof SignatureBody>,
  ): Promise<SignatureAnswer> {
    return this.jssdk.sign(appId, url);
  }
}
