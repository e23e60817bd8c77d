package main

// droppedWords is the list. English words may stand in the names of tests, which
// are sentences. A name is allowed where the word is the field's own term for
// something else, or part of a contract that does not change.
func droppedWords() []dropped {
	return []dropped{
		{word: "unsure", instead: "ambiguous"},
		{word: "suspect", instead: "ambiguous"},
		{word: "left over", instead: "ambiguous", english: true},
		{word: "maybe sent", instead: "ambiguous"},
		{word: "lost answer", instead: "ambiguous", english: true},
		{word: "nothing made", instead: "an outcome"},
		{word: "doorbell", instead: "Enqueuer or EventHandler"},
		{word: "bell", instead: "the active generation"},
		{word: "stranger", instead: "unknown issue"},
		{word: "foreign", instead: "unrelated", english: true},
		{word: "trickle", instead: "enqueueSettled"},
		{word: "trickled", instead: "enqueueSettled"},
		{word: "vanished", instead: "deleted", english: true},
		{word: "soften", instead: "asRetryable"},
		{word: "visit", instead: "execution", english: true},
		{word: "unseen", instead: "an outcome", english: true, allowed: []string{"RefusedUnseen"}},
		{word: "verdict", instead: "result, state or level", english: true},
		{word: "judge", instead: "authorize", english: true},
		{word: "judged", instead: "authorized", english: true},
		{word: "handled move", instead: "HandledChange"},
		{word: "made for", instead: "CreatedFor", english: true},
		{word: "heart", instead: "watchdog"},
		{word: "pulse", instead: "watchdog"},
		{word: "outage", instead: "health", english: true},
		{word: "door", instead: "listeners", english: true},
		{word: "gate", instead: "concurrency", english: true},
		{word: "allowance", instead: "rate"},
		{word: "go out", instead: "admit", english: true},
		{word: "trouble", instead: "health", english: true},
		{word: "wording", instead: "template"},
		{word: "birth", instead: "original state", english: true},
		{word: "born", instead: "original", english: true},
		{word: "whole", instead: "complete", english: true},
		{word: "vital", instead: "essential"},
		{word: "spare", instead: "fallbackOn", english: true},
		{word: "stuck", instead: "unreachable, or stalled for a process", english: true},
		{word: "gone", instead: "issueMissing, or deleted", english: true},
	}
}
