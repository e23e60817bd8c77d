package faketeleport

import "net/http"

// SetName makes addr, a host and port, the only name that the proxy's web API
// answers to, as public_addr does: other names are redirected to it. Empty: it
// answers to any.
func (p *Proxy) SetName(addr string) { p.name.Store(&addr) }

// knownAs is the address that the proxy tells clients, which they dial then.
func (p *Proxy) knownAs() string {
	if name := p.name.Load(); name != nil && *name != "" {
		return *name
	}
	return p.Addr()
}

// byName redirects requests for another name than the proxy's.
func (p *Proxy) byName(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := p.name.Load(); name != nil && *name != "" && *name != r.Host {
			http.Redirect(w, r, "https://"+*name+"/web", http.StatusFound)
			return
		}
		next.ServeHTTP(w, r)
	})
}
