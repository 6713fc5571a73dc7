import { ApiCreatedResponse } from '@nestjs/swagger';
import type { ZodType } from 'zod';

/** Documents a 201. The handler sets its `Location`: where the new thing is (RFC 9110, 15.3.2). */
export function ApiCreated(schema: ZodType): MethodDecorator {
  return ApiCreatedResponse({
    standardSchema: schema,
    headers: {
      Location: {
        description: 'The path of what was made.',
        schema: { type: 'string', format: 'uri-reference' },
      },
    },
  });
}
