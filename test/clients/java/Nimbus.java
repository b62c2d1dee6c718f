import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.Ed25519Verifier;
import com.nimbusds.jose.jwk.JWKMatcher;
import com.nimbusds.jose.jwk.JWKSelector;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jose.util.JSONArrayUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Nimbus verifies the tokens of each issuer by the key set at its address. */
final class Nimbus {
  public static void main(String[] args) throws Exception {
    List<Object> answers = new ArrayList<>();
    String input = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    for (Object given : JSONArrayUtils.parse(input)) {
      @SuppressWarnings("unchecked")
      Map<String, Object> issuer = (Map<String, Object>) given;
      answers.add(verdicts(issuer));
    }
    System.out.println(JSONArrayUtils.toJSONString(answers));
  }

  interface Check {
    void of(String token) throws Exception;
  }

  static Map<String, Object> verdicts(Map<String, Object> given) throws Exception {
    String issuer = (String) given.get("issuer");
    String audience = (String) given.get("audience");
    JWSAlgorithm algorithm = JWSAlgorithm.parse((String) given.get("algorithm"));
    // Longer than its default of half a second, for a busy machine.
    DefaultResourceRetriever patient = new DefaultResourceRetriever(20_000, 20_000);
    URL jwksURI = new URL((String) given.get("jwks_uri"));

    JWKSource<SecurityContext> keys = JWKSourceBuilder.create(jwksURI, patient).build();
    DefaultJWTClaimsVerifier<SecurityContext> claims =
        new DefaultJWTClaimsVerifier<>(
            audience, new JWTClaimsSet.Builder().issuer(issuer).build(), Set.of("exp", "sub", "client_id"));
    claims.setMaxClockSkew(30);
    DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(algorithm, keys));
    processor.setJWTClaimsSetVerifier(claims);
    processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
    Check check = token -> processor.process(token, null);

    DefaultJWTProcessor<SecurityContext> untyped = new DefaultJWTProcessor<>();
    untyped.setJWSKeySelector(processor.getJWSKeySelector());
    untyped.setJWTClaimsSetVerifier(claims);
    String good = (String) ((Map<?, ?>) given.get("tokens")).get("good");
    Map<String, Object> without = new HashMap<>();
    without.put("the type", verdict(token -> untyped.process(token, null), good));
    if (algorithm.equals(JWSAlgorithm.EdDSA)) {
      without.put("a check of one's own", verdict(check, good));
      check = token -> ed25519(token, keys, claims);
    }
    Map<String, Object> found = new HashMap<>();
    for (Map.Entry<?, ?> token : ((Map<?, ?>) given.get("tokens")).entrySet()) {
      found.put((String) token.getKey(), verdict(check, (String) token.getValue()));
    }
    return Map.of("tokens", found, "without", without);
  }

  /** Nimbus's processor hands keys on as java.security.Key, which its Ed25519 keys are not. */
  static void ed25519(String token, JWKSource<SecurityContext> keys, DefaultJWTClaimsVerifier<SecurityContext> claims)
      throws Exception {
    SignedJWT jwt = SignedJWT.parse(token);
    new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")).verify(jwt.getHeader().getType(), null);
    var found = keys.get(new JWKSelector(JWKMatcher.forJWSHeader(jwt.getHeader())), null);
    if (found.isEmpty()) throw new Exception("no key of this kid and algorithm");
    JWSVerifier verifier = new Ed25519Verifier(found.get(0).toOctetKeyPair());
    if (!jwt.verify(verifier)) throw new Exception("the signature is wrong");
    claims.verify(jwt.getJWTClaimsSet(), null);
  }

  static String verdict(Check check, String token) {
    try {
      check.of(token);
      return "";
    } catch (Exception e) {
      return e.toString();
    }
  }
}
