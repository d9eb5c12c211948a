"""Which alarms Aodh's own evaluator fires on an event: ids, as JSON."""
import json
import sys
import types

from aodh.evaluator import event as evaluation


class Evaluator(evaluation.EventAlarmEvaluator):
    def __init__(self):
        self.fired = []

    def _fire_alarm(self, alarm, event):
        self.fired.append(alarm.id)


given = json.load(sys.stdin)
evaluator = Evaluator()
event = evaluation.Event(given['event'])
for one in given['alarms']:
    try:
        evaluator._evaluate_alarm(
            evaluation.Alarm(types.SimpleNamespace(rule=one['event_rule'], **one)), event)
    except Exception:
        pass    # Aodh logs it, and the alarm has not fired
json.dump(evaluator.fired, sys.stdout)
