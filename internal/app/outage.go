package app

import (
	"log/slog"
	"time"
)

// outageAfter is how long a side has to be of no use before the log says so:
// single calls that fail are repeated, and told where they matter.
const outageAfter = 10 * time.Second

// outage follows whether one side is usable, and logs when that changes for
// longer than a moment. It belongs to one goroutine.
type outage struct {
	since time.Time // of the trouble; zero without
	told  bool
}

func (o *outage) note(log *slog.Logger, side string, trouble error) {
	switch {
	case trouble == nil:
		if o.told {
			log.Info("usable again", "side", side, "after", time.Since(o.since).Round(time.Second))
		}
		*o = outage{}
	case o.since.IsZero():
		o.since = time.Now()
	case !o.told && time.Since(o.since) >= outageAfter:
		o.told = true
		log.Warn("not usable, what is missing is made up for afterwards", "side", side, "error", trouble)
	}
}
