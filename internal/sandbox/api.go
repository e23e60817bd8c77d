package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
)

const (
	bodyCap    = 64 << 10
	streamTick = 150 * time.Millisecond
)

// backend is what the page shows and drives. Its methods may be called concurrently;
// their errors are shown to the person.
type backend interface {
	View() View
	Lines(after int) []Line
	Request(user string, roles []string, reason string, waits, lasts time.Duration) error
	Review(id, author, state, reason string) error
	Expire(id string) error
	Remove(id string) error
	Move(issue, person, status string) error
	Comment(issue, person, body string) error
	Kill() error
	Start() error
}

// The bodies of the commands.
type (
	requestCommand struct {
		User   string   `json:"user"`
		Roles  []string `json:"roles"`
		Reason string   `json:"reason"`
		// Seconds until the undecided request expires; 0 is the cluster's default.
		Seconds int `json:"seconds"`
		// Access is for how many seconds it gives access; 0 is the cluster's default.
		Access int `json:"access"`
	}
	reviewCommand struct {
		Author string `json:"author"`
		State  string `json:"verdict"` // approved | denied
		Reason string `json:"reason"`
	}
	moveCommand struct {
		Person string `json:"person"`
		Status string `json:"status"`
	}
	commentCommand struct {
		Person string `json:"person"`
		Body   string `json:"body"`
	}
	emptyCommand struct{}
)

// handler serves the page and its commands.
func handler(s backend) (http.Handler, error) {
	files, err := page()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", files)
	mux.HandleFunc("GET /api/events", func(w http.ResponseWriter, r *http.Request) { stream(w, r, s) })
	mux.HandleFunc("POST /api/requests", command(func(_ *http.Request, c requestCommand) error {
		return s.Request(c.User, c.Roles, c.Reason, time.Duration(c.Seconds)*time.Second, time.Duration(c.Access)*time.Second)
	}))
	mux.HandleFunc("POST /api/requests/{id}/reviews", command(func(r *http.Request, c reviewCommand) error {
		return s.Review(r.PathValue("id"), c.Author, c.State, c.Reason)
	}))
	mux.HandleFunc("POST /api/requests/{id}/expire", command(func(r *http.Request, _ emptyCommand) error {
		return s.Expire(r.PathValue("id"))
	}))
	mux.HandleFunc("POST /api/requests/{id}/remove", command(func(r *http.Request, _ emptyCommand) error {
		return s.Remove(r.PathValue("id"))
	}))
	mux.HandleFunc("POST /api/issues/{id}/moves", command(func(r *http.Request, c moveCommand) error {
		return s.Move(r.PathValue("id"), c.Person, c.Status)
	}))
	mux.HandleFunc("POST /api/issues/{id}/comments", command(func(r *http.Request, c commentCommand) error {
		return s.Comment(r.PathValue("id"), c.Person, c.Body)
	}))
	mux.HandleFunc("POST /api/daemon/kill", command(func(*http.Request, emptyCommand) error {
		return s.Kill()
	}))
	mux.HandleFunc("POST /api/daemon/start", command(func(*http.Request, emptyCommand) error {
		return s.Start()
	}))
	return guard(mux), nil
}

// command decodes a JSON body and carries it out. What the backend refuses is
// answered as 409 with its words.
func command[C any](do func(*http.Request, C) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var c C
		if err := decode(w, r, &c); err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		if err := do(r, c); err != nil {
			refuse(w, http.StatusConflict, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func decode(w http.ResponseWriter, r *http.Request, into any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return errors.New("send JSON")
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyCap))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("read the command: %w", err)
	}
	return nil
}

func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that is gone needs no answer.
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

// stream sends the state whenever it changes, and new log lines, as
// server-sent events until the client goes or the server stops.
func stream(w http.ResponseWriter, r *http.Request, s backend) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	ticker := time.NewTicker(streamTick)
	defer ticker.Stop()
	var shown string
	var seq int
	for {
		state, err := json.Marshal(s.View())
		if err != nil {
			return
		}
		if string(state) != shown {
			shown = string(state)
			if send(w, "state", state) != nil {
				return
			}
		}
		if lines := s.Lines(seq); len(lines) > 0 {
			seq = lines[len(lines)-1].Seq
			text, err := json.Marshal(lines)
			if err != nil || send(w, "log", text) != nil {
				return
			}
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
	}
}

// send writes one server-sent event; JSON has no line breaks.
func send(w io.Writer, event string, data []byte) error {
	_, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data)
	return err
}
