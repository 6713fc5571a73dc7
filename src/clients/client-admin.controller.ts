import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import {
  ApiBody,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdminGuard } from '../access/admin.guard.js';
import { noteAudit } from '../audit/audit-notes.js';
import { Audited } from '../audit/audited.decorator.js';
import { ApiCreated } from '../http/api-created.decorator.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import type { Page } from '../http/page.js';
import { ValidBody, ValidQuery } from '../http/validation.decorator.js';
import { ClientAdminService } from './client-admin.service.js';
import { ClientKeyService } from './client-key.service.js';
import {
  ClientAnswer,
  ClientChangeBody,
  ClientPage,
  ClientPageQuery,
  NewClientAnswer,
  NewClientBody,
  NewKeyAnswer,
  NewKeyBody,
} from './client.dto.js';

const CLIENTS = 'v1/admin/clients';

/** Clients and their keys. A key is in one answer in its life: that of the request which makes it. */
@ApiTags('clients')
@Controller(CLIENTS)
@UseGuards(AdminGuard)
@ApiProblems('database_unavailable')
export class ClientAdminController {
  constructor(
    private readonly clients: ClientAdminService,
    private readonly keys: ClientKeyService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Every client, with what is known of its keys' })
  @ApiOkResponse({ standardSchema: ClientPage })
  @ApiProblems('validation_failed')
  list(@ValidQuery(ClientPageQuery) query: ClientPageQuery): Promise<Page<ClientAnswer>> {
    return this.clients.list(query);
  }

  @Post()
  @Audited('client.create')
  @ApiOperation({ summary: 'Make a client and its first key' })
  @ApiCreated(NewClientAnswer)
  @ApiProblems('validation_failed')
  async create(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @ValidBody(NewClientBody) body: NewClientBody,
  ): Promise<NewClientAnswer> {
    const client = await this.clients.create(body);
    noteAudit(request, { target: client.id });
    reply.header('location', `/${CLIENTS}/${client.id}`);
    return client;
  }

  @Get(':id')
  @ApiOperation({ summary: 'One client' })
  @ApiParam({ name: 'id', example: 'order-service' })
  @ApiOkResponse({ standardSchema: ClientAnswer })
  @ApiProblems('not_found')
  show(@Param('id') id: string): Promise<ClientAnswer> {
    return this.clients.show(id);
  }

  @Patch(':id')
  @Audited('client.update')
  @ApiOperation({ summary: 'Update a client; what is left out stays' })
  @ApiParam({ name: 'id', example: 'order-service' })
  @ApiOkResponse({ standardSchema: ClientAnswer })
  @ApiProblems('validation_failed', 'not_found')
  change(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @ValidBody(ClientChangeBody) body: ClientChangeBody,
  ): Promise<ClientAnswer> {
    return this.audited(request, id, this.clients.change(id, body));
  }

  @Delete(':id')
  @Audited('client.delete')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a client and revoke its keys' })
  @ApiParam({ name: 'id', example: 'order-service' })
  @ApiNoContentResponse({ description: 'It is gone.' })
  @ApiProblems('not_found')
  remove(@Req() request: FastifyRequest, @Param('id') id: string): Promise<void> {
    return this.audited(request, id, this.clients.remove(id));
  }

  @Post(':id/keys')
  @Audited('key.create')
  @ApiOperation({ summary: 'Make another key: two may be active while one is rotated' })
  @ApiParam({ name: 'id', example: 'order-service' })
  @ApiBody({ required: false })
  @ApiCreated(NewKeyAnswer)
  @ApiProblems('validation_failed', 'not_found')
  async addKey(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Param('id') id: string,
    @ValidBody(NewKeyBody) body: NewKeyBody,
  ): Promise<NewKeyAnswer> {
    const key = await this.keys.add(id, body);
    noteAudit(request, { target: `${id}/${key.id}` });
    reply.header('location', `/${CLIENTS}/${id}/keys/${key.id}`);
    return key;
  }

  @Delete(':id/keys/:key_id')
  @Audited('key.revoke')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a key; every replica refuses it within 2 seconds' })
  @ApiParam({ name: 'id', example: 'order-service' })
  @ApiParam({ name: 'key_id', example: '7d444840-9dc0-41d1-b245-5ffdce74fad2' })
  @ApiNoContentResponse({ description: 'It is revoked.' })
  @ApiProblems('not_found')
  revokeKey(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Param('key_id') keyId: string,
  ): Promise<void> {
    return this.audited(request, `${id}/${keyId}`, this.keys.revoke(id, keyId));
  }

  /** Names what was changed in the audit, once it is known to be there: an id may be longer than what is noted unseen. */
  private async audited<Answer>(
    request: FastifyRequest,
    target: string,
    action: Promise<Answer>,
  ): Promise<Answer> {
    const answer = await action;
    noteAudit(request, { target });
    return answer;
  }
}
