import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { AppCredentialsService } from './app-credentials.service.js';
import { JournalService } from '../journal/journal.service.js';
import { TokenAnswerService } from './token-answer.service.js';
import type { TokenAnswer } from './token-answer.service.js';
import { TokenIssuerService } from './token-issuer.service.js';
import { Call, WechatCall } from './wechat-call.js';
import { SecretEndpoint } from './wechat-endpoint.decorator.js';
import { WechatError } from './wechat.errors.js';

/** WeChat takes fields that it does not know. */
const StableTokenBody = z.object({
  appid: z.string().optional(),
  secret: z.string().optional(),
  grant_type: z.string().optional(),
  force_refresh: z.boolean().default(false),
});

/** getStableAccessToken: the same token until its last minutes, or until it is forced. */
@Controller()
export class StableTokenController {
  constructor(
    private readonly credentials: AppCredentialsService,
    private readonly issuer: TokenIssuerService,
    private readonly answer: TokenAnswerService,
    private readonly journal: JournalService,
  ) {}

  @SecretEndpoint('POST', '/cgi-bin/stable_token')
  fetch(@Call() call: WechatCall): TokenAnswer {
    const body = parse(call);
    this.journal.record(call.entry, { forced: body.force_refresh });
    const account = this.credentials.admit(call, {
      appId: body.appid,
      secret: body.secret,
      grantType: body.grant_type,
    });
    return this.answer.write(call, this.issuer.stable(account, body.force_refresh));
  }
}

function parse(call: WechatCall): z.output<typeof StableTokenBody> {
  if (call.body === '') {
    throw new WechatError(44002);
  }
  // A form, or anything else that does not even begin like an object: WeChat sees no AppID in it.
  if (!call.body.trimStart().startsWith('{')) {
    throw new WechatError(41002);
  }
  const body = StableTokenBody.safeParse(call.json);
  if (!body.success) {
    throw new WechatError(47001);
  }
  return body.data;
}
