import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccountEntity } from './account.entity.js';
import { AccountSealer } from './account-sealer.js';
import { AccountRepository } from './account.repository.js';
import { AccountService } from './account.service.js';
import { EnvironmentAccountService } from './environment-account.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([AccountEntity])],
  providers: [AccountRepository, AccountSealer, AccountService, EnvironmentAccountService],
  exports: [AccountService],
})
export class AccountModule {}
