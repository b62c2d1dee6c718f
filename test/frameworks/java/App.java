import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** The API of the tests with Spring MVC in Tomcat: App PORT. */
@RestController
@EnableAutoConfiguration
public class App {
  public static void main(String[] args) {
    SpringApplication app = new SpringApplication(App.class);
    app.setDefaultProperties(
        Map.of(
            "server.address", "127.0.0.1",
            "server.port", args[0],
            "spring.main.banner-mode", "off",
            "spring.main.lazy-initialization", "true",
            "logging.level.root", "error",
            "spring.mvc.hiddenmethod.filter.enabled", "true"));
    app.run();
  }

  static ResponseEntity<String> ran(String handler) {
    return ResponseEntity.ok().header("X-Ran", handler).body(handler);
  }

  @GetMapping("/open")
  ResponseEntity<String> open() {
    return ran("open");
  }

  @RequestMapping({"/admin", "/admin/**"})
  ResponseEntity<String> admin() {
    return ran("admin");
  }

  @GetMapping("/reports")
  ResponseEntity<String> reports() {
    return ran("reports");
  }

  @PostMapping("/reports")
  ResponseEntity<String> report() {
    return ran("report");
  }

  @GetMapping("/users/me")
  ResponseEntity<String> me() {
    return ran("me");
  }

  @GetMapping("/users/{id}")
  ResponseEntity<String> user() {
    return ran("user");
  }

  @RequestMapping("/files/{name}")
  ResponseEntity<String> file() {
    return ran("file");
  }

  @DeleteMapping("/files/{name}")
  ResponseEntity<String> remove() {
    return ran("remove");
  }
}
