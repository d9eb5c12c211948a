"""Tacker as far as maintenance concerns it: its own alarm receiver, plug-in and handler, unmodified.

What is around them stands in for Tacker's database, VIMs and scaling: one VNF, whose stack is all
servers of a project. Reads its settings from the first argument, as JSON:

  vim        keyword arguments of a Keystone password, and cert_verify
  vnf        id and tenant_id of the VNF, its stack, and the configuration that an operator writes, YAML
  scales_by  how many instances its scaling policy adds or removes at a time; 0: it has none

Serves http://127.0.0.1:PORT/v1.0/vnfs/VNF/maintenance/PROJECT/KEY. Prints one line of JSON for each
thing that happens: {"port"}, {"told"}, {"sent"}, {"did"}, {"failed"}. Ends with its standard input,
after it has taken back what it had told of its instances.
"""
import copy
import json
import socketserver
import sys
import threading
import time
import uuid
from wsgiref import simple_server

import requests
from oslo_config import cfg
from tacker import alarm_receiver
from tacker import context as tacker_context
from tacker.plugins import fenix
from tacker.plugins.common import constants
from tacker.vnfm.plugin import VNFMPlugin

LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 60
POLICY = 'SP1'


def tell(**what):
    print(json.dumps(what), flush=True)


class Listened(requests.Session):
    """A session of requests that prints what was sent and answered."""

    def send(self, request, **options):
        response = super().send(request, **options)
        body = request.body and json.loads(request.body)
        try:
            answer = response.json()
        except ValueError:
            answer = response.text
        tell(sent={'method': request.method, 'url': request.url, 'body': body,
                   'status': response.status_code, 'answer': answer})
        return response


class Vim:
    """In the place of Tacker's VIMs: there is this one."""

    def __init__(self, auth):
        self.auth = auth

    def get_vim(self, context, vim_id=None):
        return {'vim_type': 'openstack', 'vim_auth': self.auth}


class Plugin:
    """In the place of Tacker's VNFM plug-in, with its own handler of maintenance."""

    create_vnf_maintenance = VNFMPlugin.create_vnf_maintenance

    def __init__(self, settings):
        self.vnf = {
            'id': settings['vnf']['id'],
            'tenant_id': settings['vnf']['tenant_id'],
            'vim_id': str(uuid.uuid4()),
            'instance_id': settings['vnf']['stack'],
            'status': constants.ACTIVE,
            'attributes': {'config': settings['vnf']['config'],
                           'maintenance_group': str(uuid.uuid4()),
                           **({'scaling_group_names': json.dumps({POLICY: 'G1'})}
                              if settings['scales_by'] else {})},
        }
        self.scales_by = settings['scales_by']
        self._vnf_maintenance_plugin = fenix.FenixPlugin()
        self._vnf_maintenance_plugin.vim_client = Vim(settings['vim'])
        self._vnf_action = self

    def get_vnf(self, context, vnf_id):
        assert vnf_id == self.vnf['id'], vnf_id
        return copy.deepcopy(self.vnf)

    def get_vnf_policies(self, context, vnf_id, filters):
        return [{'name': POLICY, 'type': constants.POLICY_SCALING}]

    def _update_vnf_post(self, context, vnf_id, status, vnf_dict, *_):
        self.vnf = {**copy.deepcopy(vnf_dict), 'status': status}

    def spawn_n(self, function, *args):
        threading.Thread(target=watched(function), args=args).start()

    def invoke(self, action, method, plugin, context, vnf_dict, args):
        """Scales, as Tacker does it: in the background, and its plug-in is told before and after."""
        assert (action, method) == ('autoscaling', 'execute_action'), action
        direction = args['scale']['type']
        pending = {'in': constants.PENDING_SCALE_IN, 'out': constants.PENDING_SCALE_OUT}
        self.vnf['status'] = pending[direction]
        self._vnf_maintenance_plugin.project_instance_pre(context, copy.deepcopy(self.vnf))

        def scale():
            nova = Nova(self._vnf_maintenance_plugin._get_openstack_clients(context, vnf_dict))
            for _ in range(self.scales_by):
                nova.remove_newest() if direction == 'in' else nova.boot_another()
            tell(did='scaled %s' % direction)
            self.vnf['status'] = constants.ACTIVE
            self._vnf_maintenance_plugin.update_vnf_instances(
                self, context, copy.deepcopy(self.vnf),
                action='delete' if direction == 'in' else 'update')
        self.spawn_n(scale)


class Nova:
    """In the place of Heat's scaling group."""

    def __init__(self, clients):
        self.session = clients.keystone_session
        self.endpoint = self.session.get_endpoint(service_type='compute')

    def call(self, method, path, **options):
        return self.session.request(self.endpoint + path, method, raise_exc=True, **options)

    def servers(self):
        headers = {'OpenStack-API-Version': 'compute 2.47'}
        return self.call('GET', '/servers/detail', headers=headers).json()['servers']

    def until(self, is_so):
        for _ in range(int(PATIENCE_SECONDS / LOOK_SECONDS)):
            if is_so(self.servers()):
                return
            time.sleep(LOOK_SECONDS)
        raise TimeoutError('the servers do not become as wanted')

    def remove_newest(self):
        newest = max(self.servers(), key=lambda server: server['name'])['id']
        self.call('DELETE', '/servers/%s' % newest)
        self.until(lambda servers: all(one['id'] != newest for one in servers))

    def boot_another(self):
        like = max(self.servers(), key=lambda server: server['name'])
        made = self.call('POST', '/servers', json={'server': {
            'name': like['name'] + '+', 'flavorRef': like['flavor']['original_name'],
            'availability_zone': like['OS-EXT-AZ:availability_zone']}})
        new = made.json()['server']['id']
        self.until(lambda servers: any(
            one['id'] == new and one['status'] == 'ACTIVE' for one in servers))


def watched(function):
    def run(*args):
        try:
            return function(*args)
        except BaseException as error:
            tell(failed=repr(error))
            raise
    return run


def application(plugin):
    """Where Tacker's API would be, behind its alarm receiver."""
    def answer(environ, start_response):
        size = int(environ['CONTENT_LENGTH'])
        body = json.loads(environ['wsgi.input'].read(size))
        tell(told=body['maintenance']['params']['data']['body'])
        _, _, vnf_id, _ = environ['PATH_INFO'].split('/')
        context = tacker_context.get_admin_context()
        try:
            watched(plugin.create_vnf_maintenance)(context, vnf_id, body)
        except Exception:
            start_response('500 Internal Server Error', [])
            return []
        start_response('201 Created', [])
        return []
    return alarm_receiver.AlarmReceiver(answer)


class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *_):
        pass


def configure(vim):
    """As in tacker.conf."""
    group = 'keystone_authtoken'
    cfg.CONF.register_opts([cfg.StrOpt('auth_url')], group)
    cfg.CONF([], project='tacker', default_config_files=[])
    cfg.CONF.set_override('auth_url', vim['auth_url'].removesuffix('/v3'), group)
    for name in ('username', 'password', 'project_name'):
        cfg.CONF.set_override(name, vim[name], 'alarm_auth')


def main():
    settings = json.loads(sys.argv[1])
    configure(settings['vim'])
    requests.sessions.Session = Listened  # that of requests.put, and not Keystone's
    plugin = Plugin(settings)
    context = tacker_context.get_admin_context()
    plugin._vnf_maintenance_plugin.create_vnf_constraints(plugin, context, plugin.vnf)
    server = simple_server.make_server('127.0.0.1', 0, application(plugin), Server, Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tell(port=server.server_port)
    sys.stdin.read()
    plugin._vnf_maintenance_plugin.delete_vnf_constraints(plugin, context, plugin.vnf)


main()
