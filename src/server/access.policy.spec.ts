import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  Delete,
  Get,
  Module,
  Post,
  UseGuards,
  type CanActivate,
  type Type,
} from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { AccessModule } from '../access/access.module.js';
import { AdminGuard } from '../access/admin.guard.js';
import { ClientGuard } from '../access/client.guard.js';
import { DropInAccess } from '../access/drop-in-access.decorator.js';
import { Public } from '../access/public.decorator.js';
import { RequireScope } from '../access/require-scope.decorator.js';
import { markAudited } from '../audit/audited-action.js';
import { ConfigModule } from '../config/config.module.js';
import { parseAppConfig } from '../config/parse-app-config.js';
import { AppLogger } from '../observability/logger.js';
import { TimeModule } from '../time/time.module.js';
import { createApp } from './create-app.js';
import { ServerModule } from './server.module.js';

const ENVIRONMENT = {
  ADMIN_API_KEY: 'admin-key-of-this-spec',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
};

async function start(controller: Type): Promise<void> {
  @Module({
    imports: [
      ConfigModule.forRoot(parseAppConfig(ENVIRONMENT)),
      TimeModule,
      AccessModule,
      ServerModule,
    ],
    controllers: [controller],
  })
  class RootModule {}
  const logger = new AppLogger({ level: 'fatal', format: 'json' }, new PassThrough());
  const app = await createApp(RootModule, parseAppConfig(ENVIRONMENT), logger);
  try {
    await app.init();
  } finally {
    await app.close();
  }
}

class Handlers {
  @Get('one')
  one(): string {
    return '';
  }
}

class ScopedHandlers {
  @Get('one')
  @RequireScope('token:read')
  one(): string {
    return '';
  }
}

@Controller('v1/things')
class Open extends Handlers {}

@UseGuards(ClientGuard)
@Controller('v1/things')
class WithoutScope extends Handlers {}

@UseGuards(AdminGuard)
@Controller('v1/admin/things')
class AdminWithScope extends ScopedHandlers {}

@UseGuards(AdminGuard)
@Controller('v1/things')
class AdminElsewhere extends Handlers {}

@UseGuards(ClientGuard)
@Controller(['v1/things', 'v1/admin/things'])
class ClientUnderAdmin extends ScopedHandlers {}

@UseGuards(AdminGuard)
@Controller('v1/admin/things')
class Unaudited {
  @Delete('one')
  one(): string {
    return '';
  }
}

@UseGuards(AdminGuard)
@Controller('v1/admin/things')
class AuditedRead {
  @Get('one')
  @markAudited('account.update')
  one(): string {
    return '';
  }
}

@Public()
@Controller('v1/things')
class AuditedElsewhere {
  @Post('one')
  @markAudited('account.update')
  one(): string {
    return '';
  }
}

@Public()
@UseGuards(ClientGuard)
@Controller('v1/things')
class PublicAndGuarded extends ScopedHandlers {}

class OwnGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

class DropInHandlers {
  @Get('one')
  @DropInAccess(OwnGuard, 'token:read')
  one(): string {
    return '';
  }
}

@Controller('cgi-bin')
class DropIn extends DropInHandlers {}

@Controller('v1/things')
class DropInElsewhere extends DropInHandlers {}

@UseGuards(ClientGuard)
@Controller('cgi-bin')
class ClientUnderDropIn extends ScopedHandlers {}

@Public()
@Controller('cgi-bin')
class PublicDropIn extends DropInHandlers {}

@Controller('v1/things')
class Clear {
  @Get()
  @UseGuards(ClientGuard)
  @RequireScope('token:read')
  read(): string {
    return this.helper();
  }

  @Post()
  @Public()
  write(): string {
    return this.helper();
  }

  private helper(): string {
    return '';
  }
}

@UseGuards(AdminGuard)
@Controller('v1/admin')
class ClearAdmin extends Handlers {
  @Post('one')
  @markAudited('account.update')
  change(): string {
    return '';
  }
}

describe('the start', () => {
  const EXACTLY_ONE =
    'wants exactly one of @UseGuards(ClientGuard), @UseGuards(AdminGuard), @DropInAccess(…) and @Public()';
  const DROP_IN_ONLY = "@DropInAccess(…) belongs on WeChat's own paths, and nothing else does";
  const ADMIN_ONLY = 'AdminGuard belongs under /v1/admin, and nothing else does';

  it.each([
    [Open, EXACTLY_ONE],
    [PublicAndGuarded, EXACTLY_ONE],
    [WithoutScope, 'wants a @RequireScope(…) beside its ClientGuard'],
    [AdminWithScope, 'has a @RequireScope(…), which only ClientGuard looks at'],
    [AdminElsewhere, `/v1/things/one: ${ADMIN_ONLY}`],
    [Unaudited, 'wants an @Audited(…), since it is an admin route that is no GET'],
    [AuditedRead, 'has an @Audited(…), which is for what an admin changes'],
    [AuditedElsewhere, 'has an @Audited(…), which is for what an admin changes'],
    [DropInElsewhere, `/v1/things/one: ${DROP_IN_ONLY}`],
    [ClientUnderDropIn, `/cgi-bin/one: ${DROP_IN_ONLY}`],
    [PublicDropIn, EXACTLY_ONE],
    [ClientUnderAdmin, `/v1/admin/things/one: ${ADMIN_ONLY}`],
  ])('is refused by %p', async (controller, problem) => {
    await expect(start(controller)).rejects.toThrow(
      `Routes without a clear rule of access:\n  ${controller.name}.one: ${problem}`,
    );
  });

  it.each([[Clear], [ClearAdmin], [DropIn]])('goes on with %p', async (controller) => {
    await expect(start(controller)).resolves.toBeUndefined();
  });
});
