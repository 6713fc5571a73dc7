import { Controller } from '@nestjs/common';
import { AppCredentialsService } from './app-credentials.service.js';
import { TokenAnswerService } from './token-answer.service.js';
import type { TokenAnswer } from './token-answer.service.js';
import { TokenIssuerService } from './token-issuer.service.js';
import { Call, WechatCall } from './wechat-call.js';
import { SecretEndpoint } from './wechat-endpoint.decorator.js';

/** getAccessToken: every fetch mints. */
@Controller()
export class TokenController {
  constructor(
    private readonly credentials: AppCredentialsService,
    private readonly issuer: TokenIssuerService,
    private readonly answer: TokenAnswerService,
  ) {}

  @SecretEndpoint('GET', '/cgi-bin/token')
  fetch(@Call() call: WechatCall): TokenAnswer {
    const account = this.credentials.admit(call, {
      appId: call.query.get('appid'),
      secret: call.query.get('secret'),
      grantType: call.query.get('grant_type'),
    });
    return this.answer.write(call, this.issuer.legacy(account));
  }
}
