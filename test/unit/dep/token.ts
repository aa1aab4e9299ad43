import type { DepToken } from '../../../src/dep/records.ts'

export const TOKEN_JSON = {
  consumer_key:
    'CK_48dd68d198350f51258e885ce9a5c37ab7f98543c4a697323d75682a6c10a32501cb247e3db08105db868f73f2c972b3',
  consumer_secret:
    'CS_34c7b2b531a600d99a0e4edcf4a78ded79b86ef318118c2f5bcfee1b011108c32d5302df801adbe29d446eb78f02b1',
  access_token: 'AT_O9466638829O4d1d0e5b3c2a4f4e9b1f5c6d7e8f90a1b2c3d4e5f6O1798761600000',
  access_secret:
    'AS_c31afd7a09691d83548489336e8ff1cb11b82b6bca13f793344496a556b1f4972eaff4dde6deb5ac9cf076fdfa97ec97',
  access_token_expiry: '2027-11-01T00:00:00Z',
}

export const TOKEN: DepToken = {
  consumerKey: TOKEN_JSON.consumer_key,
  consumerSecret: TOKEN_JSON.consumer_secret,
  accessToken: TOKEN_JSON.access_token,
  accessSecret: TOKEN_JSON.access_secret,
  expiresAt: Date.UTC(2027, 10, 1),
}
