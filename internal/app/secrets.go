package app

import (
	"context"
	"time"

	"teleport-jira/internal/filewatch"
)

// secretsInterval is how often secret files are checked for changes.
const secretsInterval = 5 * time.Second

// watchSecrets takes up secrets whose files change, also while a side is waited
// for, until ctx ends or stop is called, which waits for the end.
func (g *generation) watchSecrets(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	secrets := g.secrets.Load()
	go func() {
		defer close(done)
		filewatch.Watch(ctx, secretsInterval, secrets.SecretsSum, secrets.SecretFiles(), g.reloadSecrets)
	}()
	return func() {
		cancel()
		<-done
	}
}

// reloadSecrets takes up secrets whose files changed, and nothing else of a
// configuration that may have been edited since. It waits for neither side: the
// old token may be the reason why one does not answer.
func (g *generation) reloadSecrets() {
	log := g.app.log
	secrets, err := g.secrets.Load().Reread()
	if err != nil {
		log.Error("secrets not reloaded, the old ones stay in use", "error", err, "fix", "correct the file")
		return
	}
	g.secretsMu.Lock()
	g.secrets.Store(secrets)
	if g.listening {
		g.app.listeners.handler.SetAuth(auth(secrets))
	}
	g.secretsMu.Unlock()
	log.Info("secrets reloaded")
	select {
	case g.renewed <- struct{}{}:
	default:
	}
	if g.app.active.Load() == g {
		// It shows whether the new token is right, and what the old one prevented
		// need not wait for its next attempt.
		g.worker.Resync()
	}
}

// listen has the listeners authenticate by this generation's secrets, as they
// are now and become.
func (g *generation) listen() {
	g.secretsMu.Lock()
	defer g.secretsMu.Unlock()
	g.listening = true
	g.app.listeners.handler.SetAuth(auth(g.secrets.Load()))
}
