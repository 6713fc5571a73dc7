import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { AppConfig } from '../config/app-config.js';
import { ConfigModule } from '../config/config.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { EncryptionModule } from '../encryption/encryption.module.js';
import { TimeModule } from '../time/time.module.js';
import { AccountSealer } from '../wechat/accounts/account-sealer.js';
import { AccountEntity } from '../wechat/accounts/account.entity.js';
import { AccountRepository } from '../wechat/accounts/account.repository.js';
import { CredentialSealer } from '../wechat/credentials/credential-sealer.js';
import { CredentialEntity } from '../wechat/credentials/credential.entity.js';
import { CredentialRepository } from '../wechat/credentials/credential.repository.js';
import { KeyRotationService } from './key-rotation.service.js';

/** The rows that hold sealed values, without what fetches, polls or serves: nothing here calls WeChat. */
@Module({})
export class KeyRotationModule {
  static forRoot(config: AppConfig): DynamicModule {
    return {
      module: KeyRotationModule,
      imports: [
        ConfigModule.forRoot(config),
        TimeModule,
        EncryptionModule,
        DatabaseModule,
        TypeOrmModule.forFeature([AccountEntity, CredentialEntity]),
      ],
      providers: [
        AccountRepository,
        AccountSealer,
        CredentialRepository,
        CredentialSealer,
        KeyRotationService,
      ],
    };
  }
}
