/** WeChat's names of its tickets: for the JS-SDK (`wx.config`), and for cards and coupons (`cardExt`). */
export const TICKET_TYPES = ['jsapi', 'wx_card'] as const;

export type TicketType = (typeof TICKET_TYPES)[number];
