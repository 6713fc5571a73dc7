import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { AccessTokenModule } from '../access-token/access-token.module.js';
import { CredentialModule } from '../credentials/credential.module.js';
import { RefreshHistoryModule } from '../refresh-history/refresh-history.module.js';
import { AccessTokenAdminController } from './access-token-admin.controller.js';
import { AccountAdminController } from './account-admin.controller.js';
import { AccountAdminService } from './account-admin.service.js';
import { RefreshHistoryController } from './refresh-history.controller.js';
import { TokenRefreshService } from './token-refresh.service.js';

/** The operators' side of accounts and credentials: accounts, refreshes, history. */
@Module({
  imports: [AccessTokenModule, AuditModule, CredentialModule, RefreshHistoryModule],
  controllers: [AccessTokenAdminController, AccountAdminController, RefreshHistoryController],
  providers: [AccountAdminService, TokenRefreshService],
})
export class AdminModule {}
