import com.nimbusds.jose.util.JSONArrayUtils;
import com.nimbusds.jose.util.JSONObjectUtils;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.jwt.JwtTimestampValidator;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;

/** Spring Security verifies the tokens of each issuer by the key set at its address. */
final class Spring {
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

  static Map<String, Object> verdicts(Map<String, Object> given) throws Exception {
    String issuer = (String) given.get("issuer");
    String audience = (String) given.get("audience");
    String jwksURI = (String) given.get("jwks_uri");
    SignatureAlgorithm named = SignatureAlgorithm.from((String) given.get("algorithm"));
    SignatureAlgorithm algorithm = named != null ? named : SignatureAlgorithm.RS256;

    NimbusJwtDecoder decoder =
        NimbusJwtDecoder.withJwkSetUri(jwksURI).jwsAlgorithm(algorithm).validateType(false).build();
    decoder.setJwtValidator(
        JwtValidators.createAtJwtValidator()
            .issuer(issuer)
            .audience(audience)
            .clientId("default")
            .validators(checks -> checks.put("leeway", new JwtTimestampValidator(Duration.ofSeconds(30))))
            .build());

    JwtDecoder untouched = NimbusJwtDecoder.withJwkSetUri(jwksURI).jwsAlgorithm(algorithm).build();
    Map<String, Object> tokens = JSONObjectUtils.getJSONObject(given, "tokens");
    Map<String, Object> found = new HashMap<>();
    for (Map.Entry<String, Object> token : tokens.entrySet()) {
      found.put(token.getKey(), verdict(decoder, (String) token.getValue()));
    }
    String why = verdict(untouched, (String) tokens.get("good"));
    return Map.of("tokens", found, "without", Map.of("a validator", why));
  }

  static String verdict(JwtDecoder decoder, String token) {
    try {
      decoder.decode(token);
      return "";
    } catch (JwtException e) {
      return e.toString();
    }
  }
}
