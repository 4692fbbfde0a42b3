//go:build race

package judge_test

const histories = 500
