package frameworks_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/edgeauth/edgeauth/test/engine"
)

// cache is the folder that test/fetch.sh writes.
const cache = "../../.cache/frameworks"

// frameworks are the APIs. reads are requests that the framework routes to a closed route, although
// their paths have other spellings.
var frameworks = []struct {
	name  string
	start func(t *testing.T) (address string)
	reads []string
}{
	{"ServeMux", func(t *testing.T) string { return serve(t, serveMux()) }, []string{
		"GET /%61dmin/x", "HEAD /reports", "GET http://AUTHORITY/admin/x", "GET /users/5;x=1",
	}},
	{"Gin", func(t *testing.T) string { return serve(t, ginEngine()) }, []string{
		"GET /%61dmin/x", "GET //admin/x", "GET /admin%2fx", "GET /users/5;x=1",
	}},
	{"Express 4", func(t *testing.T) string { return express(t, "express4") }, expressReads},
	{"Express 5", func(t *testing.T) string { return express(t, "express5") }, expressReads},
	{"FastAPI", fastAPI, []string{"GET /%61dmin/x", "GET %2fadmin/x", "GET /users%2f5", "HEAD /reports"}},
	{"Spring", spring, []string{
		"GET /%61dmin/x", "GET /admin;/x", "GET https://AUTHORITY/admin/x", "gET /admin/x", "HEAD /reports",
	}},
}

// expressReads are the reads of both versions of Express. Their regular expressions ignore case.
var expressReads = []string{
	"GET /ADMIN/x", "GET /Reports", "GET /reports/", "HEAD /reports", "GET ftp://AUTHORITY/admin/x",
	"POST /files/a\nX-HTTP-Method-Override: DELETE",
}

func ran(handler string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Ran", handler) }
}

func serveMux() http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range map[string]string{
		"GET /open": "open", "/admin": "admin", "/admin/": "admin", "GET /reports": "reports", "POST /reports": "report",
		"GET /users/me": "me", "GET /users/{id}": "user", "/files/{name}": "file", "DELETE /files/{name}": "remove",
	} {
		mux.HandleFunc(pattern, ran(handler))
	}
	return mux
}

// ginEngine returns Gin with the settings by which it reads the most spellings as the same path.
func ginEngine() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.RemoveExtraSlash, e.RedirectFixedPath = true, true
	e.GET("/open", gin.WrapF(ran("open")))
	e.Any("/admin", gin.WrapF(ran("admin")))
	e.Any("/admin/*rest", gin.WrapF(ran("admin")))
	e.GET("/reports", gin.WrapF(ran("reports")))
	e.POST("/reports", gin.WrapF(ran("report")))
	e.GET("/users/me", gin.WrapF(ran("me")))
	e.GET("/users/:id", gin.WrapF(ran("user")))
	e.GET("/files/:name", gin.WrapF(ran("file")))
	e.POST("/files/:name", gin.WrapF(ran("file")))
	e.DELETE("/files/:name", gin.WrapF(ran("remove")))
	return e
}

func serve(t *testing.T, h http.Handler) (address string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func express(t *testing.T, name string) (address string) {
	t.Helper()
	tool := need(t, "node", "install Node.js 20 or later")
	folder := fetched(t, "node", "package-lock.json")
	script := absolute(t, "node/express.cjs")
	return serveProgram(t, folder, func(port string) []string { return []string{tool, script, name, port} })
}

func fastAPI(t *testing.T) (address string) {
	t.Helper()
	folder := fetched(t, "python", "requirements.txt")
	tool, script := filepath.Join(folder, "bin", "python"), absolute(t, "python/app.py")
	return serveProgram(t, folder, func(port string) []string { return []string{tool, "-B", script, port} })
}

func spring(t *testing.T) (address string) {
	t.Helper()
	compiler := need(t, "javac", "install a JDK, version 17 or later")
	folder, classes := fetched(t, "java", "jars.sha256"), t.TempDir()
	jars := filepath.Join(folder, "*")
	if out, err := exec.Command(compiler, "-cp", jars, "-d", classes, "java/App.java").CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	path := classes + string(os.PathListSeparator) + jars
	return serveProgram(t, classes, func(port string) []string {
		return []string{filepath.Join(filepath.Dir(compiler), "java"), "-XX:TieredStopAtLevel=1", "-cp", path, "App", port}
	})
}

func serveProgram(t *testing.T, folder string, command func(port string) []string) (address string) {
	t.Helper()
	return start(t, engine.Program{
		Folder: folder, Command: command, Answers: func(address string) error { return answers("http://" + address + "/open") },
	})
}

// asked reports whether "make test-frameworks" runs this test; it has fetched the programs.
func asked() bool { return os.Getenv("EDGEAUTH_TEST_FRAMEWORKS") != "" }

// onlyAsked skips a test in continuous integration, where "make test-frameworks" runs it.
func onlyAsked(t *testing.T) {
	t.Helper()
	if os.Getenv("CI") == "true" && !asked() {
		t.Skip("it is a run of its own: make test-frameworks")
	}
}

// need returns the path of a program of this machine.
func need(t *testing.T, program, remedy string) (path string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		engine.LeaveOut(t, program, remedy)
	}
	return path
}

// fetched returns the folder into which test/fetch.sh fetched what the lock file pins.
func fetched(t *testing.T, part, lock string) (folder string) {
	t.Helper()
	if !asked() {
		engine.LeaveOut(t, "a run with web frameworks", "make test-frameworks")
	}
	want, err := os.ReadFile(filepath.Join(part, lock))
	if err != nil {
		t.Fatal(err)
	}
	folder = absolute(t, filepath.Join(cache, part))
	if got, err := os.ReadFile(filepath.Join(folder, "fetched.txt")); err != nil || string(got) != string(want) {
		engine.LeaveOut(t, "what test/fetch.sh brings for "+strings.TrimPrefix(t.Name(), "TestSpellings/"), "test/fetch.sh frameworks")
	}
	return folder
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
