import { z } from 'zod';

const LONGEST_URL = 4_096;

/** As a browser writes one: absolute, without blanks. It is signed as it is, so it is not put in order. */
export const SignatureBody = z.strictObject({
  url: z
    .string()
    .max(LONGEST_URL)
    .regex(/^https?:\/\/[^\s\p{Cc}]+$/iu, 'must be an absolute http or https URL')
    .refine((url) => URL.canParse(url), 'must be an absolute http or https URL')
    .meta({
      description:
        'The URL of the page, to the letter: `location.href`. Its fragment is left out; nothing else is altered, since the signature is over the letters.',
      examples: ['https://shop.example.com/goods?id=7'],
    }),
});

export const SignatureAnswer = z
  .object({
    appId: z.string().meta({ examples: ['wx0123456789abcdef'] }),
    timestamp: z.int().positive().meta({ description: 'Seconds since 1970.' }),
    nonceStr: z.string(),
    signature: z.string().regex(/^[0-9a-f]{40}$/),
  })
  .meta({ id: 'JssdkSignature', description: 'Ready for `wx.config`; add `jsApiList`.' });
export type SignatureAnswer = z.infer<typeof SignatureAnswer>;
