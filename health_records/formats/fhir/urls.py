"""Addresses below /fhir/R4."""

from django.urls import path

from health_records.formats.fhir import views

urlpatterns = [
    path("", views.base),
    path("/", views.base),
    path("/metadata", views.metadata),
    path("/_history", views.whole_history),
    path("/<str:resource_type>", views.of_type),
    path("/Patient/<str:id>/$everything", views.everything_of),
    path("/<str:resource_type>/_search", views.search_by_form),
    path("/<str:resource_type>/_history", views.type_history),
    path("/<str:resource_type>/<str:id>", views.one),
    path("/<str:resource_type>/<str:id>/_history", views.history),
    path("/<str:resource_type>/<str:id>/_history/<str:version>", views.one_version),
]
