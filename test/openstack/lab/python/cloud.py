"""The APIs of the lab."""
import os

from keystoneauth1 import adapter, session
from keystoneauth1.identity import v3


class Cloud:
    """The APIs as one user in one project sees them: cloud.compute.get('/servers').json() ..."""

    def __init__(self, user='admin', project='admin'):
        password = v3.Password('http://127.0.0.1:%(KEYSTONE_PORT)s/v3' % os.environ,
                               username=user, password=os.environ['PASSWORD'],
                               project_name=project, user_domain_name='Default',
                               project_domain_name='Default')
        self.session = session.Session(auth=password)
        self.identity = self._api('identity')
        self.image = self._api('image')
        self.network = self._api('network')
        self.compute = self._api('compute', default_microversion='2.93')

    def _api(self, service, **options):
        return adapter.Adapter(self.session, service_type=service, **options)

    def project(self):
        return self.session.get_project_id()


def listed(api, path, **query):
    """What a list answers: the value of the one key that is about no links."""
    body = api.get(path, params=query).json()
    return next(value for key, value in body.items()
                if isinstance(value, list) and not key.endswith('links'))
