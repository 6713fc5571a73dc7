import { Injectable } from '@nestjs/common';
import type { ProbeVerdict } from '../credentials/credential-kind.js';
import type { Credential } from '../credentials/credential.js';
import { ProbeService } from '../credentials/probe.service.js';
import { TokenLimits } from './token-limits.js';

/** Tries a token that a client reported, within what that client may ask of WeChat. */
@Injectable()
export class ReportProbeService {
  constructor(
    private readonly probes: ProbeService,
    private readonly limits: TokenLimits,
  ) {}

  /**
   * A report that shares a probe asks nothing of WeChat, and does not count. No promise lies between the
   * look and the start of the probe, so that of a thousand reports at once exactly one counts.
   * @throws AppError `rate_limited`
   */
  async verify(slot: Credential, clientId: string): Promise<ProbeVerdict> {
    if (!this.probes.isProbed(slot)) {
      this.limits.countProbe(clientId);
    }
    return this.probes.verify(slot);
  }
}
