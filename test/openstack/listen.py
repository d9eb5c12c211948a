"""Takes notifications from a topic as Ceilometer does, with oslo.messaging's own listener, until it
has as many as asked for: [publisher, event type, payload, message id, timestamp] each, as JSON.
"""
import json
import sys
import threading

import oslo_messaging
from oslo_config import cfg

given = json.load(sys.stdin)
taken = []
enough = threading.Event()


class Endpoint:
    def info(self, context, publisher_id, event_type, payload, metadata):
        taken.append([publisher_id, event_type, payload,
                      metadata['message_id'], metadata['timestamp']])
        if len(taken) == given['count']:
            enough.set()


conf = cfg.ConfigOpts()
conf([], project='lull-test')
transport = oslo_messaging.get_notification_transport(conf, url=given['url'])
target = oslo_messaging.Target(exchange='openstack', topic=given['topic'])
listener = oslo_messaging.get_notification_listener(
    transport, [target], [Endpoint()], executor='threading')
listener.start()
enough.wait(30)
listener.stop()
listener.wait()
json.dump(taken, sys.stdout)
