"""A token of a service that was replaced opens nothing any more."""

from pathlib import Path

from jldhub.hub.tables.service_tokens import forget_service_tokens
from jupyterhub import orm
from jupyterhub.roles import assign_default_roles, create_role, get_default_roles
from sqlalchemy.engine import make_url


def test_tokens_of_settings_are_forgotten_and_no_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/hub.sqlite"
    forget_service_tokens(make_url(url))  # before JupyterHub's first start there is no table
    session = orm.new_session_factory(url)()
    service, person = orm.Service(name="grader"), orm.User(name="ada")
    session.add_all([service, person, orm.OAuthClient(identifier="jupyterhub")])
    session.commit()
    for role in get_default_roles():
        create_role(session, role)
    assign_default_roles(session, person)
    service.new_api_token("a1" * 32, note="from config", generated=False)
    own = service.new_api_token(note="made with the API")
    of_a_person = person.new_api_token(note="from config")
    session.commit()
    assert orm.APIToken.find(session, "a1" * 32)

    forget_service_tokens(make_url(url))

    session.expire_all()
    assert orm.APIToken.find(session, "a1" * 32) is None
    assert orm.APIToken.find(session, own)
    assert orm.APIToken.find(session, of_a_person)
    session.close()
