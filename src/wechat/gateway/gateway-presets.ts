import type { GatewayPreset } from '../../access/gateway-preset.js';
import type { PresetRules } from './gateway-rules.js';

/** What a preset allows, still without what the gateway never passes (gateway-rules.ts). */
export interface PresetContent {
  readonly description: string;
  readonly rules: readonly PresetRule[];
}

export interface PresetRule {
  readonly rule: string;
  /** The page of WeChat's documentation that describes the call; null for a rule that is no single call. */
  readonly source: string | null;
}

const DOCUMENTATION = 'https://developers.weixin.qq.com';

/** @param lines `METHOD /path /page`, the page being one of WeChat's documentation */
function preset(description: string, ...lines: readonly string[]): PresetContent {
  return {
    description,
    rules: lines.map((line) => {
      const [method = '', path = '', page = ''] = line.split(' ');
      return { rule: `${method} ${path}`, source: `${DOCUMENTATION}${page}` };
    }),
  };
}

export const GATEWAY_PRESETS: Readonly<Record<GatewayPreset, PresetContent>> = {
  '@drafts-and-media': preset(
    'Drafts and publishing, temporary and permanent media of an official account.',
    'POST /cgi-bin/draft/add /doc/offiaccount/Draft_Box/Add_draft.html',
    'POST /cgi-bin/draft/batchget /doc/offiaccount/Draft_Box/Get_draft_list.html',
    'GET /cgi-bin/draft/count /doc/offiaccount/Draft_Box/Count_drafts.html',
    'POST /cgi-bin/draft/delete /doc/offiaccount/Draft_Box/Delete_draft.html',
    'POST /cgi-bin/draft/get /doc/offiaccount/Draft_Box/Get_draft.html',
    'POST /cgi-bin/draft/switch /doc/offiaccount/Draft_Box/Temporary_MP_Switch.html',
    'POST /cgi-bin/draft/update /doc/offiaccount/Draft_Box/Update_draft.html',
    'POST /cgi-bin/freepublish/batchget /doc/offiaccount/Publish/Get_publication_records.html',
    'POST /cgi-bin/freepublish/delete /doc/offiaccount/Publish/Delete_posts.html',
    'POST /cgi-bin/freepublish/get /doc/offiaccount/Publish/Get_status.html',
    'POST /cgi-bin/freepublish/getarticle /doc/offiaccount/Publish/Get_article_from_id.html',
    'POST /cgi-bin/freepublish/submit /doc/offiaccount/Publish/Publish.html',
    'POST /cgi-bin/material/add_material /doc/offiaccount/Asset_Management/Adding_Permanent_Assets.html',
    'POST /cgi-bin/material/batchget_material /doc/offiaccount/Asset_Management/Get_materials_list.html',
    'POST /cgi-bin/material/del_material /doc/offiaccount/Asset_Management/Deleting_Permanent_Assets.html',
    'POST /cgi-bin/material/get_material /doc/offiaccount/Asset_Management/Getting_Permanent_Assets.html',
    'GET /cgi-bin/material/get_materialcount /doc/offiaccount/Asset_Management/Get_the_total_of_all_materials.html',
    'GET /cgi-bin/media/get /doc/offiaccount/Asset_Management/Get_temporary_materials.html',
    'GET /cgi-bin/media/get/jssdk /doc/offiaccount/Asset_Management/Get_temporary_materials.html',
    'POST /cgi-bin/media/upload /doc/offiaccount/Asset_Management/New_temporary_materials.html',
    'POST /cgi-bin/media/uploadimg /doc/offiaccount/Message_Management/Batch_Sends_and_Originality_Checks.html',
  ),
  '@messages': preset(
    'Customer service, template and subscription messages to single users, and their templates.',
    'POST /cgi-bin/message/custom/send /doc/offiaccount/Message_Management/Service_Center_messages.html',
    'POST /cgi-bin/message/custom/typing /doc/offiaccount/Message_Management/Service_Center_messages.html',
    'POST /cgi-bin/message/subscribe/bizsend /doc/offiaccount/Subscription_Messages/api.html',
    'POST /cgi-bin/message/subscribe/send /miniprogram/dev/api-backend/open-api/subscribe-message/subscribeMessage.send.html',
    'POST /cgi-bin/message/template/send /doc/offiaccount/Message_Management/Template_Message_Interface.html',
    'POST /cgi-bin/message/template/subscribe /doc/offiaccount/Message_Management/One-time_subscription_info.html',
    'POST /cgi-bin/message/wxopen/activityid/create /miniprogram/dev/api-backend/open-api/updatable-message/updatableMessage.createActivityId.html',
    'POST /cgi-bin/message/wxopen/template/uniform_send /miniprogram/dev/api-backend/open-api/uniform-message/uniformMessage.send.html',
    'POST /cgi-bin/message/wxopen/updatablemsg/send /miniprogram/dev/api-backend/open-api/updatable-message/updatableMessage.setUpdatableMsg.html',
    'POST /cgi-bin/template/api_add_template /doc/offiaccount/Message_Management/Template_Message_Interface.html',
    'POST /cgi-bin/template/api_set_industry /doc/offiaccount/Message_Management/Template_Message_Interface.html',
    'POST /cgi-bin/template/del_private_template /doc/offiaccount/Message_Management/Template_Message_Interface.html',
    'GET /cgi-bin/template/get_all_private_template /doc/offiaccount/Message_Management/Template_Message_Interface.html',
    'GET /cgi-bin/template/get_industry /doc/offiaccount/Message_Management/Template_Message_Interface.html',
    'POST /wxaapi/newtmpl/addtemplate /doc/offiaccount/Subscription_Messages/api.html',
    'POST /wxaapi/newtmpl/deltemplate /doc/offiaccount/Subscription_Messages/api.html',
    'GET /wxaapi/newtmpl/getcategory /doc/offiaccount/Subscription_Messages/api.html',
    'GET /wxaapi/newtmpl/getpubtemplatekeywords /doc/offiaccount/Subscription_Messages/api.html',
    'GET /wxaapi/newtmpl/getpubtemplatetitles /doc/offiaccount/Subscription_Messages/api.html',
    'GET /wxaapi/newtmpl/gettemplate /doc/offiaccount/Subscription_Messages/api.html',
  ),
  '@mini-program-codes': preset(
    'Mini Program codes and QR codes.',
    'POST /cgi-bin/wxaapp/createwxaqrcode /miniprogram/dev/api-backend/open-api/qr-code/wxacode.createQRCode.html',
    'POST /wxa/getwxacode /miniprogram/dev/api-backend/open-api/qr-code/wxacode.get.html',
    'POST /wxa/getwxacodeunlimit /miniprogram/dev/api-backend/open-api/qr-code/wxacode.getUnlimited.html',
  ),
  '@user-info': preset(
    'Who the users are: followers, their profiles and tags, UnionID and phone number. Read-only.',
    'GET /cgi-bin/tags/get /doc/offiaccount/User_Management/User_Tag_Management.html',
    'POST /cgi-bin/tags/getidlist /doc/offiaccount/User_Management/User_Tag_Management.html',
    'POST /cgi-bin/tags/members/getblacklist /doc/offiaccount/User_Management/Manage_blacklist.html',
    'GET /cgi-bin/user/get /doc/offiaccount/User_Management/Getting_a_User_List.html',
    'GET /cgi-bin/user/info /doc/offiaccount/User_Management/Get_users_basic_information_UnionID.html',
    'POST /cgi-bin/user/info/batchget /doc/offiaccount/User_Management/Get_users_basic_information_UnionID.html',
    'POST /cgi-bin/user/tag/get /doc/offiaccount/User_Management/User_Tag_Management.html',
    'POST /wxa/business/checkencryptedmsg /miniprogram/dev/api-backend/open-api/user-info/auth.checkEncryptedData.html',
    'POST /wxa/business/getuserphonenumber /miniprogram/dev/api-backend/open-api/phonenumber/phonenumber.getPhoneNumber.html',
    'GET /wxa/getpaidunionid /miniprogram/dev/api-backend/open-api/user-info/auth.getPaidUnionId.html',
    'POST /wxa/getpluginopenpid /miniprogram/dev/api-backend/open-api/user-info/auth.getPluginOpenPId.html',
  ),
  '@data-analysis': preset(
    'Statistics of users, articles, messages, interfaces and visits.',
    'POST /datacube/getarticlesummary /doc/offiaccount/Analytics/Graphic_Analysis_Data_Interface.html',
    'POST /datacube/getarticletotal /doc/offiaccount/Analytics/Graphic_Analysis_Data_Interface.html',
    'POST /datacube/getgameanalysisdata /minigame/dev/api-backend/open-api/data-analysis/analysis.getGameAnalysisData.html',
    'POST /datacube/getinterfacesummary /doc/offiaccount/Analytics/Analytics_API.html',
    'POST /datacube/getinterfacesummaryhour /doc/offiaccount/Analytics/Analytics_API.html',
    'POST /datacube/getupstreammsg /doc/offiaccount/Analytics/Message_analysis_data_interface.html',
    'POST /datacube/getupstreammsgdist /doc/offiaccount/Analytics/Message_analysis_data_interface.html',
    'POST /datacube/getupstreammsgdistmonth /doc/offiaccount/Analytics/Message_analysis_data_interface.html',
    'POST /datacube/getupstreammsgdistweek /doc/offiaccount/Analytics/Message_analysis_data_interface.html',
    'POST /datacube/getupstreammsghour /doc/offiaccount/Analytics/Message_analysis_data_interface.html',
    'POST /datacube/getupstreammsgmonth /doc/offiaccount/Analytics/Message_analysis_data_interface.html',
    'POST /datacube/getupstreammsgweek /doc/offiaccount/Analytics/Message_analysis_data_interface.html',
    'POST /datacube/getusercumulate /doc/offiaccount/Analytics/User_Analysis_Data_Interface.html',
    'POST /datacube/getuserread /doc/offiaccount/Analytics/Graphic_Analysis_Data_Interface.html',
    'POST /datacube/getuserreadhour /doc/offiaccount/Analytics/Graphic_Analysis_Data_Interface.html',
    'POST /datacube/getusershare /doc/offiaccount/Analytics/Graphic_Analysis_Data_Interface.html',
    'POST /datacube/getusersharehour /doc/offiaccount/Analytics/Graphic_Analysis_Data_Interface.html',
    'POST /datacube/getusersummary /doc/offiaccount/Analytics/User_Analysis_Data_Interface.html',
    'POST /datacube/getweanalysisappiddailyretaininfo /miniprogram/dev/api-backend/open-api/data-analysis/visit-retain/analysis.getDailyRetain.html',
    'POST /datacube/getweanalysisappiddailysummarytrend /miniprogram/dev/api-backend/open-api/data-analysis/analysis.getDailySummary.html',
    'POST /datacube/getweanalysisappiddailyvisittrend /miniprogram/dev/api-backend/open-api/data-analysis/visit-trend/analysis.getDailyVisitTrend.html',
    'POST /datacube/getweanalysisappidmonthlyretaininfo /miniprogram/dev/api-backend/open-api/data-analysis/visit-retain/analysis.getMonthlyRetain.html',
    'POST /datacube/getweanalysisappidmonthlyvisittrend /miniprogram/dev/api-backend/open-api/data-analysis/visit-trend/analysis.getMonthlyVisitTrend.html',
    'POST /datacube/getweanalysisappiduserportrait /miniprogram/dev/api-backend/open-api/data-analysis/analysis.getUserPortrait.html',
    'POST /datacube/getweanalysisappidvisitdistribution /miniprogram/dev/api-backend/open-api/data-analysis/analysis.getVisitDistribution.html',
    'POST /datacube/getweanalysisappidvisitpage /miniprogram/dev/api-backend/open-api/data-analysis/analysis.getVisitPage.html',
    'POST /datacube/getweanalysisappidweeklyretaininfo /miniprogram/dev/api-backend/open-api/data-analysis/visit-retain/analysis.getWeeklyRetain.html',
    'POST /datacube/getweanalysisappidweeklyvisittrend /miniprogram/dev/api-backend/open-api/data-analysis/visit-trend/analysis.getWeeklyVisitTrend.html',
    'POST /wxa/business/performance/boot /miniprogram/dev/api-backend/open-api/data-analysis/analysis.getPerformanceData.html',
  ),
  '@content-security': preset(
    'Checks of text, images and audio, and of risky users.',
    'POST /wxa/getuserriskrank /miniprogram/dev/api-backend/open-api/safety-control-capability/riskControl.getUserRiskRank.html',
    'POST /wxa/img_sec_check /miniprogram/dev/api-backend/open-api/sec-check/security.imgSecCheck.html',
    'POST /wxa/media_check_async /miniprogram/dev/api-backend/open-api/sec-check/security.mediaCheckAsync.html',
    'POST /wxa/msg_sec_check /miniprogram/dev/api-backend/open-api/sec-check/security.msgSecCheck.html',
  ),
  '@menus': preset(
    'Custom menus and the automatic replies of an official account.',
    'GET /cgi-bin/get_current_autoreply_info /doc/offiaccount/Message_Management/Getting_Rules_for_Auto_Replies.html',
    'GET /cgi-bin/get_current_selfmenu_info /doc/offiaccount/Custom_Menus/Querying_Custom_Menus.html',
    'POST /cgi-bin/menu/addconditional /doc/offiaccount/Custom_Menus/Personalized_menu_interface.html',
    'POST /cgi-bin/menu/create /doc/offiaccount/Custom_Menus/Creating_Custom-Defined_Menu.html',
    'POST /cgi-bin/menu/delconditional /doc/offiaccount/Custom_Menus/Personalized_menu_interface.html',
    'GET /cgi-bin/menu/delete /doc/offiaccount/Custom_Menus/Deleting_Custom-Defined_Menu.html',
    'GET /cgi-bin/menu/get /doc/offiaccount/Custom_Menus/Getting_Custom_Menu_Configurations.html',
    'POST /cgi-bin/menu/trymatch /doc/offiaccount/Custom_Menus/Personalized_menu_interface.html',
  ),
  '@mass-messages': preset(
    'Messages to many followers of an official account, and what they are made of.',
    'POST /cgi-bin/media/uploadimg /doc/offiaccount/Message_Management/Batch_Sends_and_Originality_Checks.html',
    'POST /cgi-bin/media/uploadnews /doc/offiaccount/Message_Management/Batch_Sends_and_Originality_Checks.html',
    'POST /cgi-bin/media/uploadvideo /doc/offiaccount/Message_Management/Batch_Sends_and_Originality_Checks.html',
    'POST /cgi-bin/message/mass/delete /doc/offiaccount/Message_Management/Batch_Sends_and_Originality_Checks.html',
    'POST /cgi-bin/message/mass/get /doc/offiaccount/Message_Management/Batch_Sends_and_Originality_Checks.html',
    'POST /cgi-bin/message/mass/preview /doc/offiaccount/Message_Management/Batch_Sends_and_Originality_Checks.html',
    'POST /cgi-bin/message/mass/send /doc/offiaccount/Message_Management/Batch_Sends_and_Originality_Checks.html',
    'POST /cgi-bin/message/mass/sendall /doc/offiaccount/Message_Management/Batch_Sends_and_Originality_Checks.html',
    'GET /cgi-bin/message/mass/speed/get /doc/offiaccount/Message_Management/Batch_Sends_and_Originality_Checks.html',
    'POST /cgi-bin/message/mass/speed/set /doc/offiaccount/Message_Management/Batch_Sends_and_Originality_Checks.html',
  ),
  '@customer-service': preset(
    'Accounts, sessions and chat records of customer service.',
    'GET /cgi-bin/customservice/getkflist /doc/offiaccount/Message_Management/Service_Center_messages.html',
    'GET /cgi-bin/customservice/getonlinekflist /doc/offiaccount/Customer_Service/Customer_Service_Management.html',
    'POST /cgi-bin/message/custom/send /doc/offiaccount/Message_Management/Service_Center_messages.html',
    'POST /cgi-bin/message/custom/typing /doc/offiaccount/Message_Management/Service_Center_messages.html',
    'POST /customservice/kfaccount/add /doc/offiaccount/Message_Management/Service_Center_messages.html',
    'GET /customservice/kfaccount/canceladmin /miniprogram/introduction/custom.html',
    'GET /customservice/kfaccount/del /miniprogram/introduction/custom.html',
    'POST /customservice/kfaccount/del /doc/offiaccount/Message_Management/Service_Center_messages.html',
    'POST /customservice/kfaccount/inviteworker /doc/offiaccount/Customer_Service/Customer_Service_Management.html',
    'GET /customservice/kfaccount/setadmin /miniprogram/introduction/custom.html',
    'POST /customservice/kfaccount/update /doc/offiaccount/Message_Management/Service_Center_messages.html',
    'POST /customservice/kfaccount/uploadheadimg /doc/offiaccount/Message_Management/Service_Center_messages.html',
    'POST /customservice/kfsession/close /doc/offiaccount/Customer_Service/Session_control.html',
    'POST /customservice/kfsession/create /doc/offiaccount/Customer_Service/Session_control.html',
    'GET /customservice/kfsession/getsession /doc/offiaccount/Customer_Service/Session_control.html',
    'GET /customservice/kfsession/getsessionlist /doc/offiaccount/Customer_Service/Session_control.html',
    'GET /customservice/kfsession/getwaitcase /doc/offiaccount/Customer_Service/Session_control.html',
    'POST /customservice/msgrecord/getmsglist /doc/offiaccount/Customer_Service/Obtain_chat_transcript.html',
    'POST /customservice/work/bind /miniprogram/dev/OpenApiDoc/kf-work/bindKfWork.html',
    'POST /customservice/work/get /miniprogram/dev/OpenApiDoc/kf-work/getKfWorkBound.html',
    'POST /customservice/work/unbind /miniprogram/dev/OpenApiDoc/kf-work/unbindKfWork.html',
  ),
  '@comments': preset(
    'Comments on articles of an official account.',
    'POST /cgi-bin/comment/close /doc/offiaccount/Comments_management/Image_Comments_Management_Interface.html',
    'POST /cgi-bin/comment/delete /doc/offiaccount/Comments_management/Image_Comments_Management_Interface.html',
    'POST /cgi-bin/comment/list /doc/offiaccount/Comments_management/Image_Comments_Management_Interface.html',
    'POST /cgi-bin/comment/markelect /doc/offiaccount/Comments_management/Image_Comments_Management_Interface.html',
    'POST /cgi-bin/comment/open /doc/offiaccount/Comments_management/Image_Comments_Management_Interface.html',
    'POST /cgi-bin/comment/reply/add /doc/offiaccount/Comments_management/Image_Comments_Management_Interface.html',
    'POST /cgi-bin/comment/reply/delete /doc/offiaccount/Comments_management/Image_Comments_Management_Interface.html',
    'POST /cgi-bin/comment/unmarkelect /doc/offiaccount/Comments_management/Image_Comments_Management_Interface.html',
  ),
  '@user-tags': preset(
    'Tags, remarks and the blacklist of followers, to read and to change.',
    'POST /cgi-bin/tags/create /doc/offiaccount/User_Management/User_Tag_Management.html',
    'POST /cgi-bin/tags/delete /doc/offiaccount/User_Management/User_Tag_Management.html',
    'GET /cgi-bin/tags/get /doc/offiaccount/User_Management/User_Tag_Management.html',
    'POST /cgi-bin/tags/getidlist /doc/offiaccount/User_Management/User_Tag_Management.html',
    'POST /cgi-bin/tags/members/batchblacklist /doc/offiaccount/User_Management/Manage_blacklist.html',
    'POST /cgi-bin/tags/members/batchtagging /doc/offiaccount/User_Management/User_Tag_Management.html',
    'POST /cgi-bin/tags/members/batchunblacklist /doc/offiaccount/User_Management/Manage_blacklist.html',
    'POST /cgi-bin/tags/members/batchuntagging /doc/offiaccount/User_Management/User_Tag_Management.html',
    'POST /cgi-bin/tags/members/getblacklist /doc/offiaccount/User_Management/Manage_blacklist.html',
    'POST /cgi-bin/tags/update /doc/offiaccount/User_Management/User_Tag_Management.html',
    'POST /cgi-bin/user/info/updateremark /doc/offiaccount/User_Management/Configuring_user_notes.html',
    'POST /cgi-bin/user/tag/get /doc/offiaccount/User_Management/User_Tag_Management.html',
  ),
  '@links': preset(
    'Links into a Mini Program, and QR codes and short keys of an official account.',
    'POST /cgi-bin/qrcode/create /doc/offiaccount/Account_Management/Generating_a_Parametric_QR_Code.html',
    'POST /cgi-bin/shorten/fetch /doc/offiaccount/Account_Management/KEY_Shortener.html',
    'POST /cgi-bin/shorten/gen /doc/offiaccount/Account_Management/KEY_Shortener.html',
    'POST /wxa/generate_urllink /miniprogram/dev/api-backend/open-api/url-link/urllink.generate.html',
    'POST /wxa/generatenfcscheme /miniprogram/dev/api-backend/open-api/url-scheme/urlscheme.generateNFC.html',
    'POST /wxa/generatescheme /miniprogram/dev/api-backend/open-api/url-scheme/urlscheme.generate.html',
    'POST /wxa/genwxashortlink /miniprogram/dev/api-backend/open-api/short-link/shortlink.generate.html',
    'POST /wxa/query_urllink /miniprogram/dev/api-backend/open-api/url-link/urllink.query.html',
    'POST /wxa/queryscheme /miniprogram/dev/api-backend/open-api/url-scheme/urlscheme.query.html',
  ),
  '@order-shipping': preset(
    'Shipping information of orders of a Mini Program.',
    'POST /wxa/sec/order/get_order /miniprogram/dev/platform-capabilities/business-capabilities/order-shipping/order-shipping.html',
    'POST /wxa/sec/order/get_order_list /miniprogram/dev/platform-capabilities/business-capabilities/order-shipping/order-shipping.html',
    'POST /wxa/sec/order/is_trade_managed /miniprogram/dev/platform-capabilities/business-capabilities/order-shipping/order-shipping.html',
    'POST /wxa/sec/order/is_trade_management_confirmation_completed /miniprogram/dev/platform-capabilities/business-capabilities/order-shipping/order-shipping.html',
    'POST /wxa/sec/order/notify_confirm_receive /miniprogram/dev/platform-capabilities/business-capabilities/order-shipping/order-shipping.html',
    'POST /wxa/sec/order/set_msg_jump_path /miniprogram/dev/platform-capabilities/business-capabilities/order-shipping/order-shipping.html',
    'POST /wxa/sec/order/upload_combined_shipping_info /miniprogram/dev/platform-capabilities/business-capabilities/order-shipping/order-shipping.html',
    'POST /wxa/sec/order/upload_shipping_info /miniprogram/dev/platform-capabilities/business-capabilities/order-shipping/order-shipping.html',
  ),
  '@everything-but-secrets': {
    description: 'Every call that the gateway passes at all.',
    rules: [{ rule: '* /*', source: null }],
  },
};

export const PRESET_RULES: PresetRules = rulesOf(GATEWAY_PRESETS);

function rulesOf(presets: typeof GATEWAY_PRESETS): PresetRules {
  const rules = Object.entries(presets).map(([name, content]) => [
    name,
    content.rules.map(({ rule }) => rule),
  ]);
  return Object.fromEntries(rules) as PresetRules;
}
