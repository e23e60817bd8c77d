package sandbox

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

func TestMoveThatTheDaemonTookBack(t *testing.T) {
	at := func(seconds int) time.Time { return time.Date(2026, 1, 2, 3, 4, seconds, 0, time.UTC) }
	bot, person := Person{ID: fakejira.BotID}, Person{ID: mallory, Name: "Mallory Moore"}
	there := Move{By: person, From: "Pending", To: "Approved", At: at(10)}
	back := Move{By: bot, From: "Approved", To: "Pending", At: at(11)}
	early := Comment{Author: bot, Body: "an earlier review", At: at(5)}
	why := Comment{Author: bot, Body: "this decided nothing: …", At: at(12)}
	late := Comment{Author: bot, Body: "a later review", At: at(40)}
	chat := Comment{Author: person, Body: "why?", At: at(12)}
	want := &Return{By: person, From: "Approved", To: "Pending", At: at(11)}
	told := *want
	told.Why = why.Body
	for name, c := range map[string]struct {
		moves    []Move
		comments []Comment
		want     *Return
	}{
		"taken back":                 {[]Move{there, back}, []Comment{early, why, chat, late}, &told},
		"the comment comes later":    {[]Move{there, back}, []Comment{early}, want},
		"still there":                {[]Move{there}, []Comment{why}, nil},
		"moved again by the person":  {[]Move{there, back, there}, []Comment{why}, nil},
		"back by the person's hand":  {[]Move{there, {By: person, From: "Approved", To: "Pending"}}, nil, nil},
		"the daemon moves it onward": {[]Move{there, {By: bot, From: "Approved", To: "Expired"}}, nil, nil},
		"the daemon undoes its own":  {[]Move{{By: bot, From: "Pending", To: "Approved"}, back}, nil, nil},
		"never moved":                {nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, takenBack(c.moves, c.comments)) })
	}
}

func TestSeededRequestsAreThereBeforeTheDaemon(t *testing.T) {
	s, err := New(Options{Listen: loopback, Daemon: "teleport-jira", Seed: true})
	require.NoError(t, err)
	defer s.Close()
	users, needs := map[string]bool{}, 0
	var resources []string
	for _, request := range s.View().Requests {
		users[request.User] = true
		needs = max(needs, request.Needs)
		resources = append(resources, request.Resources...)
	}
	require.Len(t, users, 4)
	require.Equal(t, 2, needs)
	require.Equal(t, []string{"node " + seedNode}, resources)
}

func TestPortInUseIsRecognised(t *testing.T) {
	taken, err := net.Listen("tcp", loopback)
	require.NoError(t, err)
	defer taken.Close()
	_, err = New(Options{Listen: taken.Addr().String()})
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	require.ErrorContains(t, err, taken.Addr().String())
}
