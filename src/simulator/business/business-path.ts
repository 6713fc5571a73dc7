/**
 * Where WeChat's ordinary calls are: all that take an account's access_token in the query. `/sns/` is not among
 * them: a user's own token stands there.
 */
const PREFIXES = [
  'ai',
  'bizwifi',
  'business',
  'card',
  'cgi-bin',
  'channels',
  'customservice',
  'cv',
  'datacube',
  'intp',
  'merchant',
  'nontax',
  'product',
  'publisher',
  'redpacketcover',
  'scan',
  'semantic',
  'shakearound',
  'shop',
  'tcb',
  'union',
  'wxa',
  'wxaapi',
  'xpay',
];

/** Whether WeChat may have such a call: the simulator does not know which ones there are. */
export function isBusinessPath(path: string): boolean {
  const [, prefix = '', rest = ''] = path.split('/', 3);
  return PREFIXES.includes(prefix) && rest !== '';
}
