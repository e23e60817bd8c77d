package sandbox

import (
	"embed"
	"io/fs"
	"net"
	"net/http"
)

//go:embed page
var pageFiles embed.FS

// policy lets the page load its own files and talk to its own server, and
// nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page serves the embedded files.
func page() (http.Handler, error) {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return nil, err
	}
	return http.FileServerFS(files), nil
}

// guard keeps other sites out: commands have to come from the page itself, and
// the page has to be asked for under a loopback name, so that a name of
// somebody else's that leads here reads nothing.
func guard(next http.Handler) http.Handler {
	commands := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) {
			http.Error(w, "ask for it as localhost", http.StatusMisdirectedRequest)
			return
		}
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		commands.ServeHTTP(w, r)
	})
}

// isLoopback reports whether host, with or without port, names this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
