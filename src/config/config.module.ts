import { type DynamicModule, Global, Module } from '@nestjs/common';
import { ConfigModule as NestConfigModule, registerAs } from '@nestjs/config';
import { AppConfig } from './app-config.js';
import { type Environment, processEnvironment } from './environment.js';
import { parseAppConfig } from './parse-app-config.js';

/**
 * Provides the one `AppConfig` to every module.
 *
 * @nestjs/config loads `.env` of the working directory into the process's variables (those that are set already win).
 * That happens inside `forRoot`, and the variables are parsed after it, when the provider is made: a wrong configuration
 * therefore rejects the start of the application with a ConfigError.
 */
@Global()
@Module({})
export class ConfigModule {
  /** @param environment the variables to read in place of the process's own and of `.env` */
  static forRoot(environment?: Environment): DynamicModule {
    const appConfig = registerAs('app', () =>
      parseAppConfig(environment ?? processEnvironment(), process.stdout.isTTY),
    );
    return {
      module: ConfigModule,
      imports: [
        NestConfigModule.forRoot({
          ignoreEnvFile: environment !== undefined,
          cache: true,
          load: [appConfig],
        }),
      ],
      providers: [
        {
          provide: AppConfig,
          useFactory: (config: AppConfig) => config,
          inject: [appConfig.KEY],
        },
      ],
      exports: [AppConfig],
    };
  }
}
