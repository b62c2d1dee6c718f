// Lambda@Edge, viewer request: only a request with a good access token of edgeauth reaches CloudFront's cache and the
// origin. The key set is in the bundle, so the check needs no network.
import {JwtVerifier} from "aws-jwt-verify";
import settings from "./settings.json";

const {issuer, audience, cookie, jwks} = settings;

const verifier = JwtVerifier.create({
  issuer, audience,
  jwksUri: issuer + "/.well-known/jwks.json", // the name of the key set; it is never fetched
  graceSeconds: 0,
  customJwtCheck: ({header}) => {
    if (header.typ !== "at+jwt") throw new Error("not an access token (RFC 9068, section 4)");
  },
});
verifier.cacheJwks(jwks);

// values returns the values of a header: a client may send it more than once.
const values = (headers, name) => (headers[name] ?? []).map(({value}) => value);

// mayUseCookie is the rule of edgeauth's authorizer: a browser adds the cookie no matter which page causes the request.
const mayUseCookie = ({method, headers}) =>
  values(headers, "sec-fetch-site").join() === "same-origin" ||
  ["GET", "HEAD", "OPTIONS"].includes(method) && !headers.origin;

// tokensOf returns the access tokens of a request.
const tokensOf = (request) => {
  const bearers = values(request.headers, "authorization").map((value) => /^Bearer +(.*)$/i.exec(value)?.[1] ?? "");
  if (!cookie || bearers.length > 0) return bearers;
  const pairs = values(request.headers, "cookie").flatMap((value) => value.split(/; */));
  return pairs.filter((pair) => pair.startsWith(cookie + "=")).map((pair) => mayUseCookie(request) ? pair.slice(cookie.length + 1) : "");
};

// verifySync throws if the key is not in the key set.
const isGood = (token) => {
  try {
    verifier.verifySync(token);
    return true;
  } catch {
    return false;
  }
};

const refusal = (challenge) => ({
  status: "401",
  statusDescription: "Unauthorized",
  headers: {
    "www-authenticate": [{key: "WWW-Authenticate", value: challenge}],
    "cache-control": [{key: "Cache-Control", value: "no-store"}],
  },
});

export const handler = async ({Records: [{cf: {request}}]}) => {
  const tokens = tokensOf(request);
  if (tokens.length === 0) return refusal("Bearer");
  // If a request has two tokens, the origin could use the token that was not checked.
  if (tokens.length > 1 || !isGood(tokens[0])) return refusal('Bearer error="invalid_token"');
  return request;
};
