package jira

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestErrorAnswersAreReadInEveryShape(t *testing.T) {
	for body, want := range map[string]string{
		`{"errorMessages":["no"],"errors":{"labels":"not on screen"}}`:                    "no; labels: not on screen",
		`{"errorMessages":"no","errors":null}`:                                            "no",
		`{"errorMessages":[],"errors":["bad date","bad field"]}`:                          "bad date; bad field",
		`{"errors":[{"message":"bad date"},{"field":"summary","message":"too long"}]}`:    "bad date; summary: too long",
		`{"errorMessages":[7],"errors":{"a":["x","y"],"b":{"message":"z"},"c":3}}`:        "7; a: x, y; b: z; c: 3",
		`{"errors":[{"status":400,"elementErrors":{"errors":{"summary":"is needed"}}}]}`:  "summary: is needed",
		`{"errorMessages":{"odd":1},"errors":{"labels":"no"}}`:                            "labels: no",
		`{"message":"null for uri","status-code":404}`:                                    "null for uri",
		`{"error":"invalid_token","error_description":"expired"}`:                         "expired; invalid_token",
		`{"status":"maintenance"}`:                                                        `{"status":"maintenance"}`,
		`["bad"]`:                                                                         `["bad"]`,
		`plain words`:                                                                     "plain words",
		"<html>\n<head><title>502 Bad\nGateway</title></head><body><h1>nginx</h1></body>": "502 Bad Gateway nginx",
		``: "",
	} {
		require.Equal(t, want, parseRefusal([]byte(body)).text(strings.TrimSpace), body)
	}
}

// TestFieldsAreFoundWhateverTheOthersAre: that a field may be left out goes by
// its id.
func TestFieldsAreFoundWhateverTheOthersAre(t *testing.T) {
	for _, body := range []string{
		`{"errors":{"labels":["no"]}}`, `{"errors":[{"field":"labels","message":"no"}],"errorMessages":{"odd":true}}`,
	} {
		require.Equal(t, map[string]string{"labels": "no"}, parseRefusal([]byte(body)).fields)
	}
}

func TestDeeplyNestedAnswersAreCut(t *testing.T) {
	deep := strings.Repeat(`{"errors":[`, 5000) + `"x"` + strings.Repeat(`]}`, 5000)
	require.NotEmpty(t, parseRefusal([]byte(deep)).text(strings.TrimSpace))
}
