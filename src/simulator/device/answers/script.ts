/** Answers that a program chooses by request type. */
import type { SimulatedChannel } from '../channel.ts'
import type { Answer, AnswerScript } from './respond.ts'

export interface StepAnswer {
  readonly requestType: string
  readonly answer: Exclude<Answer, object | undefined>
  /** How often on each channel; without it, always. */
  readonly times?: number
}

/** The first rule for the request type decides, as long as it has not been used up. */
export function answersBySteps(rules: readonly StepAnswer[]): AnswerScript {
  const used = new WeakMap<SimulatedChannel, Map<StepAnswer, number>>()
  return ({ requestType }, channel) => {
    const counts = used.get(channel) ?? new Map<StepAnswer, number>()
    used.set(channel, counts)
    const rule = rules.find(
      (each) =>
        each.requestType === requestType && (counts.get(each) ?? 0) < (each.times ?? Infinity),
    )
    if (rule) {
      counts.set(rule, (counts.get(rule) ?? 0) + 1)
    }
    return rule?.answer
  }
}
