package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notifier tells systemd how the daemon is, where it runs under systemd. It is
// best effort: without a socket there is nobody to tell.
type notifier struct {
	interval time.Duration // of the watchdog; 0 without one
}

func newNotifier() *notifier {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		interval = 0
	}
	return &notifier{interval: interval}
}

func (n *notifier) tell(state string) { _, _ = daemon.SdNotify(false, state) }

func (n *notifier) ready() { n.tell(daemon.SdNotifyReady) }

// reloading carries the monotonic time, for Type=notify-reload.
func (n *notifier) reloading() {
	n.tell(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

// watchdog tells that the daemon works, for as long as alive says so and until
// ctx ends, and then that it is stopping. A daemon that tells nothing is
// started again by systemd.
func (n *notifier) watchdog(ctx context.Context, alive func() error, log *slog.Logger) error {
	defer n.tell(daemon.SdNotifyStopping)
	if n.interval == 0 {
		<-ctx.Done()
		return nil
	}
	ticker := time.NewTicker(n.interval / 2)
	defer ticker.Stop()
	said := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			err := alive()
			if err == nil {
				n.tell(daemon.SdNotifyWatchdog)
			} else if !said {
				log.Error("no progress, systemd will start the daemon again", "error", err,
					"fix", "none; report it if it happens again")
			}
			said = err != nil
		}
	}
}
