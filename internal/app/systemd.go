package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"teleport-jira/internal/access"
)

// systemd notifies systemd of the daemon's state, where it runs under systemd.
// It is best effort: without a socket there is nobody to notify.
type systemd struct {
	interval time.Duration // of the watchdog; 0 without one
}

func newSystemd() *systemd {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		interval = 0
	}
	return &systemd{interval: interval}
}

func (s *systemd) notify(state string) { _, _ = daemon.SdNotify(false, state) }

// ready says that the start or a reload is over, and what the daemon does, for
// `systemctl status`.
func (s *systemd) ready(status string) { s.notify(daemon.SdNotifyReady + "\n" + statusLine(status)) }

// What systemd is told that the daemon does.
const (
	statusWaiting = "waiting for Teleport and Jira, the log says for which"
	statusAtWork  = "at work"
)

// maxStatus is how long a status may be, in bytes: it is shown in one line.
const maxStatus = 300

func statusLine(status string) string {
	return "STATUS=" + access.List([]string{access.CleanLine(status)}, maxStatus)
}

// reloading carries the monotonic time, for Type=notify-reload.
func (s *systemd) reloading() {
	s.notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

// start feeds systemd's watchdog in the background, until ctx ends or the
// returned function is called, which waits for the end and returns nil.
func (s *systemd) start(ctx context.Context, alive func() error, log *slog.Logger) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.feed(ctx, alive, log)
	}()
	return func() error {
		cancel()
		<-done
		return nil
	}
}

// feed feeds the watchdog as long as alive returns nil and ctx lives, and then
// notifies systemd that the daemon is stopping. systemd starts a daemon that
// does not feed its watchdog again.
func (s *systemd) feed(ctx context.Context, alive func() error, log *slog.Logger) {
	defer s.notify(daemon.SdNotifyStopping)
	if s.interval == 0 {
		<-ctx.Done()
		return
	}
	ticker := time.NewTicker(s.interval / 2)
	defer ticker.Stop()
	logged := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			err := alive()
			if err == nil {
				s.notify(daemon.SdNotifyWatchdog)
			} else if !logged {
				log.Error("no progress, systemd will start the daemon again", "error", err,
					"fix", "none; report it if it happens again")
			}
			logged = err != nil
		}
	}
}
