import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EncryptionModule } from '../../encryption/encryption.module.js';
import { AccountEditorService } from './account-editor.service.js';
import { AccountEntity } from './account.entity.js';
import { AccountFollowerService } from './account-follower.service.js';
import { AccountSealer } from './account-sealer.js';
import { AccountRepository } from './account.repository.js';
import { AccountService } from './account.service.js';
import { EnvironmentAccountService } from './environment-account.service.js';

@Module({
  imports: [EncryptionModule, TypeOrmModule.forFeature([AccountEntity])],
  providers: [
    AccountEditorService,
    AccountFollowerService,
    AccountRepository,
    AccountSealer,
    AccountService,
    EnvironmentAccountService,
  ],
  exports: [AccountEditorService, AccountService],
})
export class AccountModule {}
