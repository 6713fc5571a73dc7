import 'reflect-metadata';
import {
  ClassSerializerInterceptor,
  Controller,
  Get,
  Injectable,
  Module,
  NotFoundException,
  Param,
  Query,
  SetMetadata,
  UnauthorizedException,
  UseGuards,
  UseInterceptors,
  ValidationPipe,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Expose, Type } from 'class-transformer';
import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tap, type Observable } from 'rxjs';
import { clientOf, PORT, tokenOf, type TokenBody } from './answer.js';

/** The same read with the usual means of Nest: guard with Reflector, interceptor, serialiser, validation. */
class TokenDto {
  @Expose() app_id!: string;
  @Expose() access_token!: string;
  @Expose() expires_in!: number;
  @Expose() expires_at!: string;
  @Expose() version!: number;
  @Expose() cache_for!: number;

  constructor(body: TokenBody) {
    Object.assign(this, body);
  }
}

class AccountParams {
  @Matches(/^wx[0-9a-f]{16}$/) app_id!: string;
}

class ReadQuery {
  @IsOptional() @Type(() => Number) @IsInt() @Min(0) @Max(60) wait?: number;
}

const Scope = (scope: string): MethodDecorator => SetMetadata('scope', scope);

@Injectable()
class KeyGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const scope = this.reflector.get<string>('scope', context.getHandler());
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const client = clientOf(request.headers.authorization);
    if (client?.scopes.has(scope) !== true) {
      throw new UnauthorizedException();
    }
    return true;
  }
}

@Injectable()
class HeadersInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      tap(() => {
        void reply.header('cache-control', 'no-store');
      }),
    );
  }
}

@Controller('v1/accounts/:app_id/access-token')
@UseGuards(KeyGuard)
@UseInterceptors(ClassSerializerInterceptor, HeadersInterceptor)
class TokenController {
  @Get()
  @Scope('token:read')
  read(@Param() params: AccountParams, @Query() query: ReadQuery): TokenDto {
    const body = tokenOf(params.app_id);
    if (body === undefined || query.wait === 0) {
      throw new NotFoundException();
    }
    return new TokenDto(body);
  }
}

@Module({ controllers: [TokenController] })
class StockModule {}

const adapter = new FastifyAdapter();
const app = await NestFactory.create<NestFastifyApplication>(StockModule, adapter);
app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
await app.listen(PORT, '127.0.0.1');
process.stdout.write(`listening on ${await app.getUrl()}\n`);
