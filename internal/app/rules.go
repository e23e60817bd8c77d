package app

import (
	"errors"
	"sync/atomic"

	"teleport-jira/internal/config"
	"teleport-jira/internal/plan"
)

// Reasons for not being ready.
var (
	errHeld     = errors.New("decisions wait until the new configuration is up")
	errOldRules = errors.New("the configuration file is at fault, the rules of the one before are in use; correct it and reload")
)

// rulebook knows by which rules the operator wants requests to be decided: those
// of the newest configuration whose rules could be read, whether the rest of
// that is up, is being brought up, or cannot be. Its methods may be called
// concurrently.
type rulebook struct {
	wanted atomic.Pointer[config.Config]
	stale  atomic.Bool // there are newer ones that cannot be read
}

// rulesInUse returns why requests are not decided by the rules that the operator
// wrote last; nil when they are.
func (a *app) rulesInUse() error {
	if a.rules.stale.Load() {
		return errOldRules
	}
	if g := a.active.Load(); g != nil && g.worker.Held() {
		return errHeld
	}
	return nil
}

// takeRules makes the rules of a configuration that was just read the ones that
// count, whatever comes of the rest of it. cfg is nil where they could not be
// read.
func (a *app) takeRules(cfg *config.Config) {
	a.rules.stale.Store(cfg == nil)
	if cfg == nil {
		a.log.Error("rules for deciding could not be read, those of the last good configuration stay in use",
			"fix", "correct the file and send SIGHUP again; to keep somebody from deciding meanwhile, take the right to move issues from them in jira")
		return
	}
	a.rules.wanted.Store(cfg)
	if g := a.active.Load(); g != nil {
		g.useRules(cfg)
	}
}

// useRules has the generation decide by a configuration's rules. Who may decide
// takes effect in the running work. Statuses, routes and the mode are part of
// what the generation was built with: where they differ nothing is decided until
// a generation with them is up. Where issues go by default, jira.project, is no
// rule about people, and changes with that generation.
func (g *generation) useRules(cfg *config.Config) {
	mode, _ := g.cluster.ReviewMode()
	was, wanted := policy(g.cfg, mode), policy(cfg, mode)
	hold := !sameBeside(was, wanted) || cfg.Review.Mode != g.cfg.Review.Mode ||
		teleportConfig(cfg).NeedUsers && !teleportConfig(g.cfg).NeedUsers
	g.worker.SetReview(wanted.Review, hold)
	log := g.app.log.With("digest", wanted.Digest())
	switch {
	case hold:
		log.Warn("decisions wait until the new configuration is up", "reason", "statuses, routes or the review mode changed")
	case was.Digest() != wanted.Digest():
		log.Info("rules for deciding changed, in use at once")
	}
}

// sameBeside reports whether two policies agree in all but who may decide, and
// where issues go by default.
func sameBeside(a, b plan.Policy) bool {
	a.Review, b.Review = plan.ReviewRules{}, plan.ReviewRules{}
	a.Default, b.Default = plan.Route{}, plan.Route{}
	return a.Digest() == b.Digest()
}
