import type { PresetRules } from './gateway-rules.js';

/** What each preset allows, still without what the gateway never passes (gateway-rules.ts). */
export const PRESET_RULES: PresetRules = {
  '@drafts-and-media': [
    'POST /cgi-bin/draft/add',
    'POST /cgi-bin/draft/batchget',
    'GET /cgi-bin/draft/count',
    'POST /cgi-bin/draft/delete',
    'POST /cgi-bin/draft/get',
    'POST /cgi-bin/draft/update',
    'POST /cgi-bin/material/add_material',
    'POST /cgi-bin/material/batchget_material',
    'POST /cgi-bin/material/del_material',
    'POST /cgi-bin/material/get_material',
    'GET /cgi-bin/material/get_materialcount',
    'GET /cgi-bin/media/get',
    'POST /cgi-bin/media/upload',
    'POST /cgi-bin/media/uploadimg',
  ],
  '@everything-but-secrets': ['* /*'],
};
